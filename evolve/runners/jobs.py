"""What goes to a node and what comes back, as text: JSON alone, so that both ends agree on nothing but its shape."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alma_mcp.design_store import Design
from alma_mcp.errors import AlmaError, EvolveError
from evolve import errors, evaluation
from evolve.book import Booked, booked
from evolve.evaluation import Verdict
from evolve.runners import Job

assert errors  # so that the whole tree of errors is known here


@dataclass(frozen=True, slots=True)
class Opened:
    """A node has opened its benchmark. `alma` is the version of its software, `version` that of its evaluations."""

    address: str
    alma: str
    version: int
    benchmark: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A task was played. `episode` is its trajectory, where there is one."""

    entry: Booked
    episode: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is done."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Fell:
    """Nothing can be played: an error of ours by its name, and its sentence."""

    name: str
    sentence: str

    def error(self) -> AlmaError:
        """The error that it was; one that is unknown here is an `EvolveError`."""
        known = {each.__name__: each for each in _tree(AlmaError)}
        return known.get(self.name, EvolveError)(self.sentence)


Message = Opened | Kept | Finished | Fell


def write_job(job: Job) -> str:
    return json.dumps(
        {
            "source": job.design.source,
            "name": job.design.name,
            "split": job.split,
            "only": None if job.only is None else sorted(job.only),
            "known": [each.to_json() for each in job.known],
        }
    )


def read_job(text: str) -> Job:
    fields = json.loads(text)
    only = None if fields["only"] is None else frozenset(fields["only"])
    known = tuple(booked(each) for each in fields["known"])
    return Job(Design(fields["source"], fields["name"]), fields["split"], only, known)


def write_message(message: Message) -> str:
    match message:
        case Opened(address, alma, version, benchmark):
            fields: dict[str, Any] = {"address": address, "alma": alma, "version": version, "benchmark": benchmark}
        case Kept(entry, episode):
            fields = {"entry": entry.to_json(), "episode": episode}
        case Finished(verdict):
            fields = {"verdict": evaluation.to_json(verdict)}
        case Fell(name, sentence):
            fields = {"name": name, "sentence": sentence}
    return json.dumps({"kind": type(message).__name__, **fields})


def read_message(text: str) -> Message:
    fields = json.loads(text)
    match fields.pop("kind"):
        case "Opened":
            return Opened(**fields)
        case "Kept":
            return Kept(booked(fields["entry"]), fields["episode"])
        case "Finished":
            return Finished(evaluation.from_json(fields["verdict"]))
        case _:
            return Fell(**fields)


def _tree(root: type[AlmaError]) -> Iterator[type[AlmaError]]:
    yield root
    for each in root.__subclasses__():
        yield from _tree(each)
