"""The proposer that a configuration names. This is where its secrets are read."""

import os
import random
from collections.abc import Callable

from evolve.config import ProposerSettings
from evolve.endpoints.limiter import Limiter
from evolve.endpoints.prices import Prices
from evolve.meta.agent import MetaAgent
from evolve.meta.bandit import choose_model
from evolve.meta.brief import Brief, Proposer, Writer
from evolve.proposers.recombine import Recombine
from evolve.writers.command import CommandWriter
from evolve.writers.endpoint import EndpointWriter, Terms

API_KEY_VARIABLE = "ALMA_EVOLVE_API_KEY"


def make_proposer(settings: ProposerSettings, prices: Prices) -> Proposer:
    """No model at all, a program, or one or several models of an endpoint."""
    match settings.kind:
        case "recombine":
            return Recombine()
        case "command":
            program = CommandWriter(settings.command, settings.seconds)
            return MetaAgent("command", lambda _: program)
        case "openai":
            return MetaAgent("openai", _bandit(settings, prices))


def _bandit(settings: ProposerSettings, prices: Prices) -> Callable[[Brief], Writer]:
    limiter = Limiter(settings.requests_per_minute, settings.tokens_per_minute)
    key = os.environ.get(API_KEY_VARIABLE, "")
    terms = Terms(tokens=settings.tokens, seconds=settings.seconds)
    writers = {
        model: EndpointWriter(model, settings.base_url, key, prices=prices, terms=terms, limiter=limiter)
        for model in settings.writers
    }

    def choose(brief: Brief) -> Writer:
        return writers[choose_model(settings.writers, brief.tried, random.Random(f"model/{brief.seed}"))]

    return choose
