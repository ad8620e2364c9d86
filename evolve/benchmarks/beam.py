"""BEAM (Tavakoli et al., 2025; mohammadtavakoli78/BEAM), message retrieval: which messages hold the answer?

Collection: the messages of a chat in order, an experience each. Deployment: its probing questions. `any@10` is whether
one of a question's gold messages (`source_chat_ids`) is among the first ten, `ndcg@10` over all of them; both also for
each of the ten abilities (questions without gold messages, abstention above all, cannot be scored here and are left
out) and for the chats about coding. Splits by chat. An interval resamples chats.

Data: a folder of chats, or a `.tar.gz` of it: `<chat>/chat.json`, `<chat>/topic.json`,
`<chat>/probing_questions/probing_questions.json`. The position marks of the chat's plan at the end of messages are
taken off.
"""

import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import DataMissing
from evolve.benchmarks import Played, Recall, Scope, Split, Task, ranked_experiences
from evolve.benchmarks.metrics import hit, ndcg
from evolve.benchmarks.splits import split_of

DEFAULT_DATA = Path("../shared/data/beam/beam_100K_dev12.tar.gz")
SOURCE = "https://github.com/mohammadtavakoli78/BEAM (no licence file)"
DEPTH = 10
DESCRIBES = f"""\
A long chat of one user with an assistant, on coding or on something else. An experience is one message (kind `turn`):
one step, whose actor is `user` or `assistant`; `session` is its part of the chat, `time` grows by a minute a message.
When all are stored, probing questions are asked, {DEPTH} items each. What counts is on which messages the returned
items rest: `any@{DEPTH}`, the score, is whether one of a question's gold messages is among the first {DEPTH} distinct
experiences, `ndcg@{DEPTH}` how high all of them come. Questions ask for facts, for what was updated or contradicted
since, for the order of events, for summaries, preferences, instructions, and for times."""

FILES = re.compile(r"(?:^|/)([^/]+)/(?:probing_questions/)?(chat|topic|probing_questions)\.json$")
MARK = re.compile(r"\s*->->.*\Z")
ANCHOR_FORMAT = "%B-%d-%Y"
MINUTE = 60.0

Chat = Mapping[str, Any]


class Beam:
    """The benchmark over one folder or archive of chats."""

    name = "beam"
    primary = "any@10"

    def __init__(self, data: Path, chats: int | None = None) -> None:
        self._data = data
        self._chats = chats

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope a chat; at most `chats` of them."""
        try:
            chats = _chats(self._data)
            wanted = [name for name in sorted(chats) if split in ("all", split_of(name))]
            scopes = [_scope(name, chats[name]) for name in wanted[: self._chats]]
        except FileNotFoundError as error:
            raise DataMissing(
                f"There is no {self._data}; get the chats from {SOURCE} and name them with `--data PATH`."
            ) from error
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            raise DataMissing(f"Cannot read {self._data} ({error}); get it again from {SOURCE}.") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataMissing(f"{self._data} is not in BEAM's format ({error!r}); it is at {SOURCE}.") from error
        if not scopes:
            raise DataMissing(f"{self._data} has no chat of the {split} split; they are at {SOURCE}.")
        return scopes

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:
        found = ranked_experiences(await recall(task.query))
        metrics = {"any@10": hit(task.answer, found, DEPTH), "ndcg@10": ndcg(task.answer, found, DEPTH)}
        parts = [task.category] + ["coding chats"] * (scope.facts["about"] == "Coding")
        return Played(metrics | {f"{name} {part}": metrics[name] for part in parts for name in ("any@10", "ndcg@10")})


def _chats(data: Path) -> dict[str, dict[str, Any]]:
    """The three files of each chat, by the chat's name."""
    chats: dict[str, dict[str, Any]] = {}
    for path, content in _contents(data):
        if named := FILES.search(path):
            if named[2] in chats.setdefault(named[1], {}):
                raise DataMissing(f"{data} holds two chats named {named[1]}; name the folder of one size of BEAM.")
            chats[named[1]][named[2]] = json.loads(content)
    return chats


def _contents(data: Path) -> Iterator[tuple[str, bytes]]:
    if data.is_dir():
        yield from ((path.relative_to(data).as_posix(), path.read_bytes()) for path in sorted(data.rglob("*.json")))
        return
    with tarfile.open(data) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                yield member.name, file.read()


def _scope(name: str, chat: Chat) -> Scope:
    messages = _messages(name, chat["chat"])
    ids = {number: experience.id for number, experience in messages}
    asked_at = max(experience.time for _, experience in messages)
    tasks = []
    for ability, questions in chat["probing_questions"].items():
        for number, question in enumerate(questions):
            gold = frozenset(ids[each] for each in _numbers(question.get("source_chat_ids")) if each in ids)
            query = Query(question["question"], limit=10, time=asked_at)
            tasks.append(Task(f"{name}:{ability}:{number}", query, gold, name, ability.replace("_", " ")))
    experiences = [experience for _, experience in messages]
    return Scope(name, [*experiences, *(task for task in tasks if task.answer)], {"about": chat["topic"]["category"]})


def _messages(name: str, batches: Sequence[Mapping[str, Any]]) -> list[tuple[int, Experience]]:
    found: list[tuple[int, Experience]] = []
    time = 0.0
    for batch in batches:
        for message in (each for exchange in batch["turns"] for each in exchange):
            if anchor := message.get("time_anchor"):
                time = max(time, datetime.strptime(anchor, ANCHOR_FORMAT).replace(tzinfo=UTC).timestamp())
            time += MINUTE
            step = Step(message["role"], MARK.sub("", message["content"]))
            session = f"{name}:{batch['batch_number']}"
            experience = Experience(_opaque(name, message["id"]), "turn", steps=(step,), session=session, time=time)
            found.append((int(message["id"]), experience))
    return found


def _numbers(ids: Any) -> Iterator[int]:
    """The message numbers of gold, which lies there as a number, a list, or lists by name."""
    match ids:
        case int():
            yield ids
        case list():
            yield from (number for each in ids for number in _numbers(each))
        case dict():
            yield from (number for each in ids.values() for number in _numbers(each))


def _opaque(name: str, number: int) -> str:
    """An id that tells a design nothing."""
    return "m" + hashlib.sha256(f"beam/{name}/{number}".encode()).hexdigest()[:16]
