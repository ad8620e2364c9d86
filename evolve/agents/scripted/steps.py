"""What every scripted agent does at the end: the first wish that can be done and is not worn out."""

from collections import Counter
from collections.abc import Collection, Iterable

from evolve.agents import Situation

LOOK = "look"
PATIENCE = 2
"""So often a step may leave everything as it was before it is no longer tried."""


def first_possible(situation: Situation, wishes: Iterable[str], worn: Collection[str]) -> str:
    """The first wish that is admissible and not worn out; else the admissible action used least; else "look".

    Where the domain lists no actions every wish counts as admissible.
    """
    for wish in wishes:
        if wish not in worn and (not situation.actions or wish in situation.actions):
            return wish
    if not situation.actions:
        return LOOK
    used = Counter(turn.action for turn in situation.history)
    return min(situation.actions, key=lambda action: (action in worn, used[action]))


def worn_out(situation: Situation, unchanged: tuple[str, ...]) -> frozenset[str]:
    """Actions whose last `PATIENCE` tries changed nothing: the answer began so, or was what was seen before."""
    fruitless: Counter[str] = Counter()
    before = situation.first
    for turn in situation.history:
        if turn.observation == before or turn.observation.strip().startswith(unchanged):
            fruitless[turn.action] += 1
        else:
            fruitless.pop(turn.action, None)
        before = turn.observation
    return frozenset(action for action, times in fruitless.items() if times >= PATIENCE)
