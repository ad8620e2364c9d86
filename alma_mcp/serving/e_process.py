"""The e-process that watches a new design: evidence that may be looked at after every signal.

A signal speaks against the new design or for it. Where it is no worse than the old one, each speaks against it with
probability at most 1/2, whatever came before. A bettor who stakes the part `stake` of what he has on "against", at even
odds, then has no gain to expect: his capital is a non-negative supermartingale that starts at 1, and so is the mean of
several such capitals. By Ville's inequality (1939) it ever reaches 1 / alpha with probability at most alpha, however
often one looks and whenever one stops.

Shafer and Vovk, "Game-Theoretic Foundations for Probability and Finance" (2019), chapters 1 and 2; Ramdas, Gruenwald,
Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 38 (2023).
"""

STAKES = (0.25, 0.5, 1.0)
ENOUGH = 20.0
"""Reached by a design that is no worse with a probability of at most 1 in 20."""


def e_value(against: int, in_favour: int) -> float:
    """The mean capital after so many signals; their order does not matter."""
    return sum((1 + stake) ** against * (1 - stake) ** in_favour for stake in STAKES) / len(STAKES)
