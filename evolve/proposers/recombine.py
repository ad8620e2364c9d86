"""No model at all: mechanisms of archived designs recombined and mutated, the same for the same seed."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evolve.errors import ProposalFailed
from evolve.mechanisms import Clash, Recipe, constants, fingerprint, join, read_recipe, scaled
from evolve.meta.brief import Brief, Desk, Proposal

ATTEMPTS = 40
FACTORS = (0.25, 0.5, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class _Change:
    """A recombination before it is written out."""

    weights: Mapping[str, float]
    sources: Mapping[str, Recipe]
    base: Recipe
    idea: str


class Recombine:
    """Borrows, drops and reweighs mechanisms, and changes constants; never writes a design that is there already."""

    name = "recombine"

    async def propose(self, brief: Brief, desk: Desk) -> Proposal:  # noqa: ARG002 - it asks nobody
        chance = brief.chance
        known = {fingerprint(design.source) for design in brief.others}
        known |= {fingerprint(parent.design.source) for parent in brief.parents}
        stock = [recipe for design in brief.others if (recipe := read_recipe(design.source))]
        base = next((recipe for parent in brief.parents if (recipe := read_recipe(parent.design.source))), None)
        if base is None:
            if not stock:
                raise ProposalFailed("No archived design is a RankedMemory, so there are no mechanisms to recombine.")
            base = chance.choice(stock)
        for _ in range(ATTEMPTS):
            change = chance.choices(list(OPERATORS), list(OPERATORS.values()))[0](base, stock, chance)
            if change is None:
                continue
            try:
                source = join(change.weights, change.sources, change.base, _name(change), change.idea)
            except Clash:
                continue
            if fingerprint(source) not in known:
                return Proposal(source, change.idea)
        raise ProposalFailed("Every recombination of these mechanisms is in the archive already.")


def _borrow(base: Recipe, stock: Sequence[Recipe], chance: random.Random) -> _Change | None:
    offers = [(name, recipe) for recipe in stock for name in recipe.weights if name not in base.weights]
    if not offers:
        return None
    name, lender = chance.choice(offers)
    weights = {**base.weights, name: lender.weights[name]}
    return _Change(
        weights, {**_own(base), name: lender}, base, f"Ranking by {name} as well finds what {_list(base)} miss."
    )


def _drop(base: Recipe, stock: Sequence[Recipe], chance: random.Random) -> _Change | None:  # noqa: ARG001
    if len(base.weights) < 2:
        return None
    name = chance.choice(list(base.weights))
    weights = {each: weight for each, weight in base.weights.items() if each != name}
    return _Change(weights, _own(base), base, f"Ranking by {name} only adds noise beside {', '.join(weights)}.")


def _reweigh(base: Recipe, stock: Sequence[Recipe], chance: random.Random) -> _Change | None:  # noqa: ARG001
    if len(base.weights) < 2:
        return None
    name, factor = chance.choice(list(base.weights)), chance.choice(FACTORS)
    weights = {**base.weights, name: round(base.weights[name] * factor, 4)}
    return _Change(weights, _own(base), base, f"Ranking by {name} deserves {factor:g} times its weight.")


def _retune(base: Recipe, stock: Sequence[Recipe], chance: random.Random) -> _Change | None:  # noqa: ARG001
    numbers = constants(base)
    if not numbers:
        return None
    name, factor = chance.choice(numbers), chance.choice(FACTORS)
    changed = scaled(base, name, factor)
    return _Change(base.weights, _own(changed), changed, f"{factor:g} times {name} suits this domain better.")


Operator = Callable[[Recipe, Sequence[Recipe], random.Random], _Change | None]
OPERATORS: Mapping[Operator, float] = {_borrow: 0.55, _drop: 0.1, _reweigh: 0.2, _retune: 0.15}


def _own(recipe: Recipe) -> dict[str, Recipe]:
    return dict.fromkeys(recipe.weights, recipe)


def _list(recipe: Recipe) -> str:
    return " and ".join(recipe.weights) or "nothing"


def _name(change: _Change) -> str:
    return "+".join(change.weights)
