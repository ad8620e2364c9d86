"""Verify a proposal before anything is paid for it: static, contract, smoke, determinism; in the sandbox."""

import ast
import contextlib
import sys
from collections.abc import Sequence

from alma_mcp.contract import Experience, Query, Retrieval, Step
from alma_mcp.design_store import MAX_SOURCE_BYTES, Design
from alma_mcp.errors import DesignError
from evolve.evaluated_memory import Laboratory, open_memory
from evolve.evaluation import Rejection

ALLOWED = frozenset({*sys.stdlib_module_names, "numpy", "networkx", "alma_mcp"})
SMOKE = tuple(
    Experience(
        f"m{number}", task=task, steps=(Step("assistant", text),), outcome="done", reward=1.0, time=float(number)
    )
    for number, (task, text) in enumerate(
        [
            ("fix the login test", "The login test failed because the clock was not UTC; set TZ=UTC."),
            ("speed up the export", "The export was slow because of a missing index on orders.created."),
            ("", "Deploys run from the release branch only."),
        ]
    )
)
QUERIES = ("why does the login test fail?", "export slow index", "x", "🦙 '\"; DROP TABLE; OR AND NOT *", "w" * 20_000)


def imports_of(source: str) -> list[str]:
    """The top-level modules that a design imports, in order of the alphabet."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found.update(alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module)):
                found.add(module.split(".")[0])
    return sorted(found)


async def verify(design: Design, laboratory: Laboratory) -> Rejection | None:
    """The reason why a design cannot be evaluated, or `None`."""
    if rejection := _static(design):
        return rejection
    try:
        first = await _answers(design, laboratory)
        second = await _answers(design, laboratory)
    except DesignError as error:
        return Rejection(design.id, "smoke", str(error), "\n".join(getattr(error, "__notes__", ())))
    if first != second:
        return Rejection(design.id, "determinism", "Two replays of the same experiences gave different answers.")
    return None


def _static(design: Design) -> Rejection | None:
    if len(design.source.encode()) > MAX_SOURCE_BYTES:
        return Rejection(design.id, "static", f"The file has more than {MAX_SOURCE_BYTES:,} bytes.")
    try:
        strange = [name for name in imports_of(design.source) if name not in ALLOWED]
    except (SyntaxError, ValueError, RecursionError) as error:
        return Rejection(design.id, "static", f"The file is not Python: {error}.")
    if strange:
        return Rejection(design.id, "static", f"It imports {', '.join(strange)}, which the sandbox does not have.")
    return None


async def _answers(design: Design, laboratory: Laboratory) -> Sequence[Retrieval]:
    async with contextlib.AsyncExitStack() as stack:
        memory = await stack.enter_async_context(open_memory(design, "verify", laboratory))
        for experience in SMOKE:
            await memory.take_in(experience)
        await memory.follow()
        return [await memory.recall(Query(text, limit=3, time=9.0)) for text in QUERIES]


def asks_model(design: Design) -> bool:
    """Whether a design's source asks a model for completions."""
    return "complete(" in design.source
