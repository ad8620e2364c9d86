"""What it costs to propose many at once: `python -m bench.staleness [--budget N] [--seeds N]`.

Step n sees what steps up to n - W came to. On the landscapes of `alma-evolve simulate`, where the truth is known; the
true quality of the best by its score on the search's own tasks. Islands are searches that see nothing of one another,
one proposal at once each, with the same number of proposals in all.
"""

import argparse
import random
from collections.abc import Sequence

import numpy as np

from evolve.compare import interval
from evolve.selection import SAMPLERS, Candidate, Sampler
from evolve.simulation import SEARCH_TASKS, TERRAINS, Landscape, Tasks, drawn_tasks, planted

SHOWN = ("clade_thompson", "greedy", "dgm")
WIDTHS = (1, 10, 40, 100, 400)


def searched(
    landscape: Landscape, sampler: Sampler, budget: int, width: int, seed: int, tasks: Tasks
) -> list[tuple[float, float]]:
    """Score and true quality of every proposal, where each sees those that were `width` steps before."""
    chance, luck = random.Random(seed), np.random.default_rng(seed)
    made: list[Candidate] = []
    found: list[tuple[float, float]] = []

    def keep(options: Sequence[int], parent: str) -> None:
        results = tasks.play(landscape.chances(tuple(options)), luck).tolist()
        scores = {str(number): score for number, score in enumerate(results)}
        name = ".".join(map(str, options))
        made.append(Candidate(name, sum(results) / len(results), 0, scores, (parent,) if parent else ()))
        found.append((made[-1].score, landscape.quality(tuple(options))))

    keep(landscape.blank, "")
    for number in range(1, budget + 1):
        seen = {each.design: each for each in made[: max(1, number - width + 1)]}
        candidates = list(seen.values())
        (chosen,) = sampler(candidates, min(each.score for each in candidates), 1, chance)
        keep(landscape.change(tuple(map(int, chosen.design.split("."))), chance), chosen.design)
    return found[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=24)
    asked = parser.parse_args()
    for terrain in ("slopes", "plateaus"):
        landscapes = [planted(TERRAINS[terrain], seed) for seed in range(asked.seeds)]
        tasks = [drawn_tasks(each, SEARCH_TASKS, np.random.default_rng(seed)) for seed, each in enumerate(landscapes)]
        for name in SHOWN:
            for islands, width in [(1, width) for width in WIDTHS] + [(width, 1) for width in (10, 40)]:
                best = []
                for seed, landscape in enumerate(landscapes):
                    runs = [
                        searched(
                            landscape, SAMPLERS[name], asked.budget // islands, width, seed * 1000 + each, tasks[seed]
                        )
                        for each in range(islands)
                    ]
                    best.append(max((each for run in runs for each in run), key=lambda each: each[0])[1])
                said = interval(best, list(map(str, range(len(best)))))
                what = f"{islands} islands" if islands > 1 else f"W = {width}"
                print(f"{terrain} {name} {what}: {said.mean:.3f} [{said.low:.3f}, {said.high:.3f}]", flush=True)


if __name__ == "__main__":
    main()
