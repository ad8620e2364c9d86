"""Which games are played before memory is asked, and which after: the protocol of ALMA, with chance written down.

The games of a status are shuffled and halved, each kind by itself: the first half is collected (played without
memory, then remembered), the second deployed (played with what memory returns). As in ALMA, the shift collects on
games of the distribution and deploys games from outside of it.

| domain | train, eval_in_distribution | eval_out_of_distribution |
|---|---|---|
| alfworld | folders `train` or `valid_train`; `valid_seen` | `valid_unseen` |
| textworld | halves of treasure_hunter and the_cooking_game | coin_collector |
| babaisai | all 40 ids, four levels each; other levels | two-room ids, from one-room ids |
| minihack | all 8 tasks, eight levels each; other levels | Boxoban, Corridor and Quest, from MazeWalk |

`all` is train and eval_in_distribution together, for small data.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal, get_args

from alma_mcp.errors import DataMissing
from evolve.environments import Domain
from evolve.episode import Game

Status = Literal["train", "eval_in_distribution", "eval_out_of_distribution", "all"]
STATUSES: tuple[Status, ...] = get_args(Status)
SHUFFLE = 42
BABA_LEVELS = 4
MINIHACK_LEVELS = 8
LEVELS_OF: Mapping[str, int] = {"train": 0, "eval_in_distribution": 1000, "eval_out_of_distribution": 2000}
ALFWORLD_FOLDERS: Mapping[str, Sequence[str]] = {
    "train": ("train", "valid_train"),
    "eval_in_distribution": ("valid_seen",),
    "eval_out_of_distribution": ("valid_unseen",),
}
TEXTWORLD_KINDS = ("treasure_hunter", "the_cooking_game")
TEXTWORLD_SHIFTED = ("coin_collector",)
ALFWORLD_SOURCE = "`pip install alfworld && alfworld-download` puts them into ~/.cache/alfworld"
TEXTWORLD_SOURCE = "BALROG's games are at https://github.com/conglu1997/intelligent-go-explore (MIT)"

DISTRACTORS = ("", "-distr_obj", "-distr_rule", "-distr_obj_rule", "-distr_obj-irrelevant_rule")
ONE_ROOM = tuple(f"env/{base}{extra}" for base in ("goto_win", "make_win") for extra in DISTRACTORS)
TWO_ROOM_PLANS = ("goto_win", "break_stop-goto_win", "maybe_break_stop-goto_win", "make_win", "break_stop-make_win")
TWO_ROOMS = (
    *(f"env/two_room-{plan}{extra}" for plan in TWO_ROOM_PLANS for extra in DISTRACTORS),
    "env/two_room-goto_win-distr_win_rule",
    "env/two_room-make_win-distr_win_rule",
    "env/two_room-make_wall_win",
    "env/two_room-make_you",
    "env/two_room-make_you-make_win",
)
MINIHACK_TASKS = tuple(
    f"MiniHack-{name}-v0"
    for name in (
        "Boxoban-Hard",
        "Boxoban-Medium",
        "MazeWalk-9x9",
        "MazeWalk-15x15",
        "Corridor-R3",
        "CorridorBattle-Dark",
        "Quest-Easy",
        "Quest-Medium",
    )
)


@dataclass(frozen=True, slots=True)
class Course:
    """The games to collect, in the order in which they are remembered, and those to deploy."""

    collection: Sequence[Game]
    deployment: Sequence[Game]


def course(
    domain: Domain,
    games: Path | None,
    status: Status,
    *,
    train_size: int | None = None,
    update_task: Status | None = None,
    update_size: int | None = None,
) -> Course:
    """The course of a status. `train_size` bounds the games of `train` before they are halved, `update_size` those
    to collect, `update_task` names the status to collect from where it is another one.

    Raises `DataMissing` where there are no such games.
    """
    available = pool(domain, games, status)
    if status == "train":
        available = available[:train_size]
    collection, deployment = halves(available)
    shifted = status == "eval_out_of_distribution"
    if shifted or update_task not in (None, status):
        collection, _ = halves(pool(domain, games, update_task or "eval_in_distribution", shifted=shifted))
    return Course(collection[:update_size], deployment)


def halves(games: Sequence[Game]) -> tuple[list[Game], list[Game]]:
    """Every other game of each kind, and the others; kinds of a single game go by turns."""
    sizes = Counter(game.kind for game in games)
    seen: Counter[str] = Counter()
    parts: tuple[list[Game], list[Game]] = ([], [])
    for game in games:
        group = game.kind if sizes[game.kind] > 1 else ""
        parts[seen[group] % 2].append(game)
        seen[group] += 1
    return parts


def pool(domain: Domain, games: Path | None, status: Status, *, shifted: bool = False) -> list[Game]:
    """The games of a status, shuffled within their kinds, the kinds in turn. `shifted` leaves out what is kept
    for the shift. Raises `DataMissing`."""
    if status == "all":
        both = [pool(domain, games, each, shifted=shifted) for each in ("train", "eval_in_distribution")]
        return _in_turn(game for part in both for game in part)
    match domain:
        case "alfworld":
            found = _alfworld(_folder(games, domain, ALFWORLD_SOURCE), status)
        case "textworld":
            found = _textworld(_folder(games, domain, TEXTWORLD_SOURCE), status)
        case "babaisai":
            found = _levels(domain, _baba_ids(status, shifted=shifted), status, BABA_LEVELS, _baba_kind)
        case "minihack":
            found = _levels(domain, _minihack_ids(status, shifted=shifted), status, MINIHACK_LEVELS, lambda name: name)
    return _in_turn(found)


def _alfworld(root: Path, status: Status) -> list[Game]:
    """The games of the six official task types that can be won (Shridhar et al., ICLR 2021)."""
    found = []
    for folder in ALFWORLD_FOLDERS[status]:
        for path in sorted(root.glob(f"**/json_2.1.1/{folder}/*/*/game.tw-pddl")):
            task = path.parent.parent.name
            if "movable" not in task and "Sliced" not in task and _solvable(path):
                found.append(Game("alfworld", path.relative_to(root).as_posix(), 0, task.split("-")[0]))
    if not found:
        named = " or ".join(ALFWORLD_FOLDERS[status])
        raise DataMissing(f"{root} has no ALFWorld games in json_2.1.1/{named}; {ALFWORLD_SOURCE}.")
    return _shuffled(found)


def _solvable(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("solvable", False))
    except (OSError, ValueError, AttributeError) as error:
        raise DataMissing(f"{path} is no ALFWorld game ({error}); {ALFWORLD_SOURCE}.") from error


def _textworld(root: Path, status: Status) -> list[Game]:
    kinds = TEXTWORLD_SHIFTED if status == "eval_out_of_distribution" else TEXTWORLD_KINDS
    found: list[Game] = []
    for kind in kinds:
        paths = sorted(root.glob(f"**/{kind}/*.z8"))
        every = _shuffled([Game("textworld", path.relative_to(root).as_posix(), 0, kind) for path in paths])
        half = len(every) // 2
        found += {"train": every[:half], "eval_in_distribution": every[half:]}.get(status, every)
    if not found:
        raise DataMissing(f"{root} has no games {' or '.join(kinds)}/*.z8; {TEXTWORLD_SOURCE}.")
    return found


def _levels(domain: Domain, names: Sequence[str], status: Status, count: int, kind: Callable[[str], str]) -> list[Game]:
    first = LEVELS_OF[status]
    return _shuffled([Game(domain, name, first + seed, kind(name)) for name in names for seed in range(count)])


def _baba_ids(status: Status, *, shifted: bool) -> Sequence[str]:
    if shifted:
        return ONE_ROOM
    return TWO_ROOMS if status == "eval_out_of_distribution" else (*ONE_ROOM, *TWO_ROOMS)


def _baba_kind(name: str) -> str:
    return name.removeprefix("env/").split("-distr")[0]


def _minihack_ids(status: Status, *, shifted: bool) -> Sequence[str]:
    mazes = [name for name in MINIHACK_TASKS if "MazeWalk" in name]
    if shifted:
        return mazes
    return [name for name in MINIHACK_TASKS if status != "eval_out_of_distribution" or name not in mazes]


def _folder(games: Path | None, domain: str, source: str) -> Path:
    if games is None or not games.is_dir():
        raise DataMissing(
            f"There are no games for {domain} at {games}; {source}. Name their folder with `--data PATH`."
        )
    return games


def _shuffled(games: list[Game]) -> list[Game]:
    ordered = sorted(games, key=lambda game: game.id)
    random.Random(SHUFFLE).shuffle(ordered)
    return ordered


def _in_turn(games: Iterable[Game]) -> list[Game]:
    kinds: dict[str, list[Game]] = {}
    for game in games:
        kinds.setdefault(game.kind, []).append(game)
    return [game for row in zip_longest(*kinds.values()) for game in row if game is not None]
