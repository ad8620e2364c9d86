"""The search where the truth is known: planted landscapes that cost nothing. A function of a seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evolve.gate import FINALISTS
from evolve.selection import Candidate, Sampler

MECHANISMS = 8
OPTIONS = 4
KINDS = 4
LINKS = 3
BLANK = -1.0
DIFFICULTIES = (-1.5, -0.75, 0.0, 0.75, 1.5)
TRIES = 20

SEARCH_TASKS = 30

Options = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Mechanisms that pay together only: on the way there, each option that is in place costs."""

    options: tuple[tuple[int, int], ...]
    gain: float
    cost: float

    def worth(self, design: Options) -> float:
        there = sum(design[mechanism] == option for mechanism, option in self.options)
        return self.gain if there == len(self.options) else -self.cost * there


@dataclass(frozen=True, slots=True)
class Landscape:
    """What each option of each mechanism is worth on each kind of task, in log-odds, and the chains among them.

    A design is an option for every mechanism; option 0 is to have none, and the blank design has none at all.
    """

    effects: np.ndarray
    chains: tuple[Chain, ...] = ()

    @property
    def blank(self) -> Options:
        return (0,) * len(self.effects)

    def chances(self, design: Options) -> np.ndarray:
        """The chance to solve a task, by kind and difficulty."""
        worth = BLANK + sum(self.effects[mechanism, option] for mechanism, option in enumerate(design))
        worth = worth + sum(chain.worth(design) for chain in self.chains)
        chances: np.ndarray = 1 / (1 + np.exp(-np.subtract.outer(worth, np.array(DIFFICULTIES))))
        return chances

    def quality(self, design: Options) -> float:
        """The true quality: the mean over all kinds and difficulties."""
        return float(self.chances(design).mean())

    def change(self, parent: Options, chance: random.Random) -> Options:
        """A child: one mechanism of its parent changed. From the blank one, a whole design is written anew."""
        options = range(self.effects.shape[1])
        if parent == self.blank:
            return tuple(chance.choice(options) for _ in parent)
        place = chance.randrange(len(parent))
        other = chance.choice([option for option in options if option != parent[place]])
        return (*parent[:place], other, *parent[place + 1 :])


@dataclass(frozen=True, slots=True)
class Terrain:
    """What landscapes of a sort have in common: how many chains, and what those gain and cost."""

    chains: int
    gain: float = 0.0
    cost: float = 0.0


TERRAINS: Mapping[str, Terrain] = {
    "slopes": Terrain(0),
    "plateaus": Terrain(2, gain=1.5, cost=0.15),
    "valleys": Terrain(2, gain=3.0, cost=0.6),
}


def planted(terrain: Terrain, seed: int) -> Landscape:
    """A landscape of a terrain, drawn from a seed."""
    chance = np.random.default_rng(seed)
    general = chance.normal(-0.1, 0.3, size=(MECHANISMS, OPTIONS, 1))
    effects = general + chance.normal(0, 0.25, size=(MECHANISMS, OPTIONS, KINDS))
    effects[:, 0, :] = 0
    places = chance.permutation(MECHANISMS).tolist()
    wanted = chance.integers(1, OPTIONS, size=MECHANISMS).tolist()
    links = [
        tuple((each, wanted[each]) for each in places[start : start + LINKS]) for start in range(0, MECHANISMS, LINKS)
    ]
    return Landscape(effects, tuple(Chain(each, terrain.gain, terrain.cost) for each in links[: terrain.chains]))


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks of a split: the kind and the difficulty of each.

    Where a task has its own `luck`, from 0 to 1, that decides it for every design alike: who is as good on it as
    another comes to the same. Else every play has its own.
    """

    kinds: np.ndarray
    difficulties: np.ndarray
    luck: np.ndarray | None = None

    def play(self, chances: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Whether each task was solved."""
        luck = chance.random(len(self.kinds)) if self.luck is None else self.luck
        solved: np.ndarray = luck < chances[self.kinds, self.difficulties]
        return solved.astype(float)


def search(
    landscape: Landscape, sampler: Sampler, budget: int, chance: random.Random, size: int = SEARCH_TASKS
) -> float:
    """The true quality of what a search of so many proposals chooses in the end.

    Three finalists by their scores on the search split; of them, the best on the validation split. Every proposal
    counts; one that is there already adds nothing.
    """
    luck = np.random.default_rng(chance.getrandbits(64))
    tasks, validation = (drawn_tasks(landscape, size, luck) for _ in range(2))
    archive = searched(landscape, sampler, budget, chance, tasks, luck)
    ranked = sorted(archive, key=lambda each: -archive[each].score)
    finalists = [design for design in ranked if design != landscape.blank][:FINALISTS]
    scores = [validation.play(landscape.chances(design), luck).mean() for design in finalists]
    return landscape.quality(finalists[int(np.argmax(scores))])


def searched(
    landscape: Landscape,
    sampler: Sampler,
    budget: int,
    chance: random.Random,
    tasks: Tasks,
    luck: np.random.Generator,
    anew: int = 0,
) -> dict[Options, Candidate]:
    """All designs of a search of so many proposals, in the order they came; the first `anew` are made from the blank
    one, and then there are those that the sampler's parents lead to.
    """
    archive: dict[Options, Candidate] = {}
    _keep(archive, landscape.blank, tasks.play(landscape.chances(landscape.blank), luck), ())
    for number in range(budget):
        candidates = list(archive.values())
        baseline = min(each.score for each in candidates)
        parent = landscape.blank
        if number >= anew:
            (chosen,) = sampler(candidates, baseline, 1, chance)
            parent = _options(chosen.design)
        child = _new(landscape, parent, archive, chance)
        if child is not None:
            _keep(archive, child, tasks.play(landscape.chances(child), luck), parent)
    return archive


def drawn_tasks(landscape: Landscape, size: int, chance: np.random.Generator, *, repeatable: bool = False) -> Tasks:
    """So many tasks of a landscape; where `repeatable`, each with its own luck."""
    kinds = chance.integers(landscape.effects.shape[2], size=size)
    difficulties = chance.integers(len(DIFFICULTIES), size=size)
    return Tasks(kinds, difficulties, chance.random(size) if repeatable else None)


def _new(
    landscape: Landscape, parent: Options, archive: dict[Options, Candidate], chance: random.Random
) -> Options | None:
    """A child that is not in the archive yet, unless none is found in a few tries."""
    tried = (landscape.change(parent, chance) for _ in range(TRIES))
    return next((child for child in tried if child not in archive), None)


def _keep(archive: dict[Options, Candidate], design: Options, results: np.ndarray, parent: Options) -> None:
    """Put a design and what it scored into the archive, and count it as a child of its parent."""
    if parent:
        of = archive[parent]
        archive[parent] = replace(of, visits=of.visits + 1)
    tasks = dict(zip(map(str, range(len(results))), results.tolist(), strict=True))
    archive[design] = Candidate(_name(design), float(results.mean()), 0, tasks, (_name(parent),) if parent else ())


def _name(design: Options) -> str:
    return ".".join(map(str, design))


def _options(name: str) -> Options:
    return tuple(map(int, name.split(".")))
