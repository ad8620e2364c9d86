"""The search and its gate where the truth is known: planted landscapes that cost nothing. A function of a seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from evolve.compare import alpha_for_opening, sign_flip_p_value
from evolve.config import GateSettings
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
GATE_TASKS = 80
GATE_SEEDS = 3
EQUALS = 30
PERMUTATIONS = 2000
SPREAD = 2.0

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
    """The tasks of a split: the kind and the difficulty of each."""

    kinds: np.ndarray
    difficulties: np.ndarray

    def play(self, chances: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Whether each task was solved."""
        solved: np.ndarray = chance.random(len(self.kinds)) < chances[self.kinds, self.difficulties]
        return solved.astype(float)


def search(
    landscape: Landscape, sampler: Sampler, budget: int, chance: random.Random, size: int = SEARCH_TASKS
) -> float:
    """The true quality of what a search of so many proposals chooses in the end.

    Three finalists by their scores on the search split; of them, the best on the validation split. Every proposal
    counts; one that is there already adds nothing.
    """
    luck = np.random.default_rng(chance.getrandbits(64))
    tasks, validation = (_tasks(landscape, size, luck) for _ in range(2))
    archive: dict[Options, Candidate] = {}
    _keep(archive, landscape.blank, tasks.play(landscape.chances(landscape.blank), luck), ())
    for _ in range(budget):
        candidates = list(archive.values())
        baseline = min(each.score for each in candidates)
        (chosen,) = sampler(candidates, baseline, 1, chance)
        parent = _options(chosen.design)
        child = _new(landscape, parent, archive, chance)
        if child is not None:
            _keep(archive, child, tasks.play(landscape.chances(child), luck), parent)
    ranked = sorted(archive, key=lambda each: -archive[each].score)
    finalists = [design for design in ranked if design != landscape.blank][:FINALISTS]
    scores = [validation.play(landscape.chances(design), luck).mean() for design in finalists]
    return landscape.quality(finalists[int(np.argmax(scores))])


def false_promotion(simulations: int, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """How often a search among designs that are as good as the champion ends in a promotion.

    All are equal in the mean; on each task every one has its own rate.
    """
    chance = np.random.default_rng(seed)
    promoted = 0
    for _ in range(simulations):
        found = _played(_rates(chance, EQUALS, SEARCH_TASKS), chance).mean(axis=1)
        finalists = np.argsort(-found)[:FINALISTS]
        validated = _played(_rates(chance, EQUALS, SEARCH_TASKS), chance).mean(axis=1)
        challenger = finalists[np.argmax(validated[finalists])]
        on_gate = _rates(chance, EQUALS, GATE_TASKS)
        promoted += passes(on_gate[challenger], _rates(chance, GATE_TASKS), chance, permutations)
    return promoted / simulations


def power(
    effect: float,
    simulations: int,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    spread: float = SPREAD,
    tasks: int = GATE_TASKS,
) -> float:
    """How often a challenger whose mean is better by so much passes the first opening of the gate.

    A task's rate is drawn from Beta(spread, spread), and the gain is larger where more is left to gain.
    """
    chance = np.random.default_rng(seed)
    promoted = 0
    for _ in range(simulations):
        rates = _rates(chance, tasks, spread=spread)
        promoted += passes(rates + 2 * effect * (1 - rates), rates, chance, permutations)
    return promoted / simulations


def champion_against_itself(simulations: int, seed: int = 0, permutations: int = PERMUTATIONS) -> float:
    """How often the champion is promoted over itself."""
    return power(0.0, simulations, seed, permutations)


def passes(challenger: np.ndarray, champion: np.ndarray, chance: np.random.Generator, permutations: int) -> bool:
    """The gate's rule on one opening, the first: each task played with several seeds, its mean compared in pairs."""
    played = [_played(np.tile(rates, (GATE_SEEDS, 1)), chance).mean(axis=0) for rates in (challenger, champion)]
    differences = played[0] - played[1]
    if differences.mean() < GateSettings().minimum_effect:
        return False
    seed = int(chance.integers(2**32))
    return sign_flip_p_value(differences, seed, permutations) < alpha_for_opening(1)


def _rates(chance: np.random.Generator, *shape: int, spread: float = SPREAD) -> np.ndarray:
    return chance.beta(spread, spread, size=shape)


def _played(rates: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return (chance.random(rates.shape) < rates).astype(float)


def _tasks(landscape: Landscape, size: int, chance: np.random.Generator) -> Tasks:
    kinds = landscape.effects.shape[2]
    return Tasks(chance.integers(kinds, size=size), chance.integers(len(DIFFICULTIES), size=size))


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
