"""What a writer of designs is told of a domain: what happens there and what counts, and never its name."""

import re
from collections.abc import Mapping

from evolve.agents.prompting import PROMPTS
from evolve.benchmarks import (
    beam,
    coding_stream,
    git_history,
    locomo,
    longmemeval,
    replay,
    swebench_stream,
)
from evolve.environments import DOMAINS, Domain
from evolve.episode import ITEMS, STEP_LIMITS

DESCRIPTIONS: Mapping[str, str] = {
    "locomo": locomo.DESCRIBES["sessions"],
    "locomo_turns": locomo.DESCRIBES["turns"],
    "longmemeval": longmemeval.DESCRIBES,
    "beam": beam.DESCRIBES,
    "coding_stream": coding_stream.DESCRIBES,
    "swebench_stream": swebench_stream.DESCRIBES,
    "git_history": git_history.DESCRIBES,
    "replay": replay.DESCRIBES,
}

PUBLISHED = re.compile(
    r"(?<![a-z])(locomo(_turns)?|longmemeval(_s)?|swe-?bench(_stream)?|coding_stream|git_history"
    r"|alf-?world|text-?world|baba-?is-?ai|mini-?hack|(?-i:BEAM))(?![a-z])",
    re.IGNORECASE,
)
"""Names under which a model may know a data set. `replay` and `beam` are words, too: those stay."""

PLAYED = """\
An agent plays games of one kind and is helped by memory. What it is told of them:

{told}

Games that were played without memory are stored first. An experience is one episode: `task` is the goal, `steps` are
by turns what the `environment` showed and what the `agent` did, `outcome` says how it ended, `reward` is its score in
[0, 1]. Then other games of these kinds are played, up to {steps} steps each. A query is a game's goal and first
observation, {items} items; the texts of the items that come back are shown to the agent, and nothing else is.
{life}

What counts is `score`, the mean score of the games; `won@k` is whether a game was won in k steps. An item helps if it
tells this agent what to do next in this game, in few words; an item about another situation can mislead it."""

LIVES = {
    "batched": "The memory does not change while games are played.",
    "sequential": "After each game the memory takes in how it went, so it can learn from its own advice.",
}


def describe(benchmark: str) -> str:
    """What happens on a benchmark of this name, and what its score means, without the name."""
    name = re.split(r"[/,]", benchmark)[0]
    for domain in DOMAINS:
        if name == domain:
            return unnamed(_played(domain, "sequential" if "/sequential/" in benchmark else "batched"))
    told = "Experiences are taken in, queries are asked, and what comes back is scored in [0, 1]."
    return DESCRIPTIONS.get(name, told)


def unnamed(text: str) -> str:
    """A text in which no data set is called by its name."""
    return PUBLISHED.sub("dataset", text)


def _played(domain: Domain, rollout: str) -> str:
    told = (PROMPTS / f"{domain}.md").read_text(encoding="utf-8").strip()
    quoted = "\n".join(f"> {line}".rstrip() for line in told.splitlines())
    return PLAYED.format(told=quoted, steps=STEP_LIMITS[domain], items=ITEMS, life=LIVES[rollout])
