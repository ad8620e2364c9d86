"""What rankings are scored by; every metric is in [0, 1]."""

import math
from collections.abc import Collection, Mapping, Sequence


def recall(answer: Collection[str], ranked: Sequence[str], depth: int) -> float:
    """The fraction of the answer among the first `depth`."""
    return len(set(answer) & set(ranked[:depth])) / len(answer)


def hit(answer: Collection[str], ranked: Sequence[str], depth: int) -> float:
    """Whether any of the answer is among the first `depth`."""
    return float(recall(answer, ranked, depth) > 0)


def ndcg(answer: Collection[str], ranked: Sequence[str], depth: int) -> float:
    """Normalised discounted cumulative gain with binary gains (Jarvelin and Kekalainen, TOIS 2002)."""
    gain = sum(_discount(place) for place, each in enumerate(ranked[:depth]) if each in answer)
    return gain / sum(_discount(place) for place in range(min(len(answer), depth)))


def voted_files(experiences: Sequence[str], files: Mapping[str, Sequence[str]]) -> list[str]:
    """The files of ranked experiences, best first.

    The experience at rank r gives each of its n files 1 / ((1 + r) sqrt(n)): what several experiences changed comes
    first, and a sweep over many files says little about each of them.
    """
    votes: dict[str, float] = {}
    for rank, experience in enumerate(experiences, start=1):
        changed = files.get(experience, ())
        for file in changed:
            votes[file] = votes.get(file, 0.0) + 1 / ((1 + rank) * math.sqrt(len(changed)))
    return sorted(votes, key=lambda file: -votes[file])


def _discount(place: int) -> float:
    return 1 / math.log2(place + 2)
