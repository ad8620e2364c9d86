"""Draws docs/images/run.svg, what `alma-evolve run` looks like, and docs/images/lineage.svg, both with made data.

python -m scripts.pictures
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from evolve.archive import Entry
from evolve.evaluation import Evaluation, Rejection, TaskResult
from evolve.views.lineage import grow
from evolve.views.lineage_svg import draw
from evolve.views.live import LiveView
from evolve.views.live_picture import picture
from evolve.views.outcome import outcome
from evolve.watching import Outlook, Spending

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
COLUMNS = 96
TASKS = 120
METRIC = "recall@10"
FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""Rich names fonts of another machine; a page that shows the picture has its own."""


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "run.svg").write_text(run_picture(), encoding="utf-8")
    (IMAGES / "lineage.svg").write_text(lineage_picture(), encoding="utf-8")
    print(f"Drew {IMAGES / 'run.svg'} and {IMAGES / 'lineage.svg'}")


def run_picture() -> str:
    """The live view in the third round of a search."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=False,
        color_system="truecolor",
        legacy_windows=False,
    )
    times = iter(_clock())
    view = LiveView(console, clock=lambda: next(times))
    view.begins(Outlook("locomo", "openai", 5, 25, 7))
    view.became("seed hybrid", "hybrid", scored("hybrid", 0.71))
    for step, name, part in (
        ("2.3", "openai-2b9e47", 0.73),
        ("2.4", "openai-8c1d05", 0.69),
        ("2.5", "openai-f0a3b6", 0.78),
    ):
        for _ in range(3):
            view.moves(step, "search set", 1, TASKS)
        view.became(step, name, scored(name, part))
    view.became("3.1", "openai-51d7ee", scored("openai-51d7ee", 0.55, "proxy"))
    view.became("3.2", "openai-d28a90", Rejection("", "smoke", "KeyError: 'session' in retrieve"))
    view.moves("3.3", "search set", 61, TASKS)
    view.moves("3.4", "proxy", 9, 24)
    view.moves("3.5", "proposing")
    view.spent(Spending(41, 1_284_000, 3.87, episodes=1_930, seconds=1_520, most_calls=2000, most_dollars=20.0))
    console.print(picture(view.scene()))
    return FONTS.sub("", console.export_svg(title="alma-evolve run --config configs/evolve/locomo.toml"))


def lineage_picture() -> str:
    """Four seeds and what came of them."""
    made = (
        ("no_memory", (), 0.0, ""), ("lexical", (), 0.62, ""), ("hybrid", (), 0.71, ""),
        ("openai-2b9e47", ("hybrid",), 0.73, ""), ("openai-8c1d05", ("lexical", "hybrid"), 0.69, ""),
        ("openai-f0a3b6", ("openai-2b9e47",), 0.78, ""), ("openai-51d7ee", ("openai-2b9e47",), 0.55, "proxy"),
        ("openai-d28a90", ("openai-8c1d05",), None, ""), ("openai-77b01c", ("openai-f0a3b6", "lexical"), 0.81, ""),
    )  # fmt: skip
    entries = [
        Entry(_id(name), name, "openai", "", tuple(_id(each) for each in parents), 0) for name, parents, *_ in made
    ]
    verdicts = {
        _id(name): outcome(Rejection(_id(name), "smoke", "KeyError") if part is None else scored(name, part, stage))
        for name, _, part, stage in made
    }
    return draw(grow(entries, verdicts), "locomo")


def scored(name: str, part: float, eliminated: str = "") -> Evaluation:
    """An evaluation in which so large a part of the tasks is solved."""
    tasks = [
        TaskResult(f"{task}", f"{task % 6}", {METRIC: float(task * 37 % TASKS < part * TASKS)}, 900, 4.0)
        for task in range(TASKS)
    ]
    estimate = part if eliminated else None
    return Evaluation(_id(name), name, "locomo", "search", METRIC, tasks, eliminated=eliminated, estimate=estimate)


def _id(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def _clock() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 20.0


if __name__ == "__main__":
    main()
