"""What a writer of designs must know of the contract, the toolkit and the sandbox; made from the code itself."""

import ast
import inspect
import sys
from collections.abc import Collection
from dataclasses import fields
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from alma_mcp import contract
from alma_mcp.design_store import MAX_SOURCE_BYTES
from alma_mcp.hosts.bounds import Bounds
from alma_mcp.projections.projection import Limits
from alma_mcp.toolkit import MAX_PROMPT, MAX_TEXTS
from alma_mcp.worker_database import FIXED_PRAGMAS, WITHHELD
from evolve.verify import ALLOWED, QUERIES, SMOKE

WHOLE = frozenset({"RankedMemory"})
"""Classes whose code is worth reading, too: a design builds on it."""

PROMPTS = Path(__file__).parents[1] / "prompts"
PYTHON = "3.11"
LIMITED = ("open", "apply", "retrieve", "sleep")
LONGEST_VALUE = 120
MEGABYTE = 2**20


@cache
def contract_text() -> str:
    """The public face of the contract: signatures, fields and docstrings."""
    tree = ast.parse(Path(contract.__file__).read_text(encoding="utf-8"))
    shown = [part for node in tree.body if (part := _shown(node)) is not None]
    return "\n\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in shown)


@cache
def toolkit_text() -> str:
    """What a design is given, a line for each member of `Toolkit` and of what it hands out."""
    lines = [_member(f"self.toolkit.{name}", each) for name, each in _public(contract.Toolkit)]
    lines += [_member(f"self.toolkit.vectors(name).{name}", each) for name, each in _public(contract.Vectors)]
    lines += [f"- `self.toolkit.budget.{each.name}: {_type(each.type)}`" for each in fields(contract.Budget)]
    return "\n".join(lines)


@cache
def sandbox_text() -> str:
    """What a design may import, use and spend, and how it is tried out."""
    limits, bounds = Limits(), Bounds()
    seconds = {f"{name}_seconds": f"{getattr(limits, f'{name}_seconds'):g}" for name in LIMITED}
    return Template((PROMPTS / "sandbox.md").read_text(encoding="utf-8").strip()).substitute(
        seconds,
        python=PYTHON,
        bytes=f"{MAX_SOURCE_BYTES:,}",
        packages=_listed(ALLOWED - sys.stdlib_module_names - {"alma_mcp"}),
        batch=limits.batch,
        memory=f"{bounds.memory // MEGABYTE:,}",
        state=f"{bounds.state // MEGABYTE:,}",
        texts=f"{MAX_TEXTS:,}",
        prompt=f"{MAX_PROMPT:,}",
        withheld=_listed(WITHHELD),
        pragmas=_listed(FIXED_PRAGMAS),
        smoke=len(SMOKE),
        queries=len(QUERIES),
        longest=f"{max(map(len, QUERIES)):,}",
    )


def _shown(node: ast.stmt) -> ast.stmt | None:
    """A top-level statement of the contract as it is shown; None where it is not."""
    match node:
        case ast.ClassDef(name=name) if name in WHOLE:
            return node
        case ast.ClassDef(name=name, body=body):
            members = [_without_body(each) for each in body if not _is_private(each)]
            return ast.ClassDef(name, node.bases, node.keywords, members, node.decorator_list)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _without_body(node)
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if len(ast.unparse(value)) > LONGEST_VALUE:
            return ast.parse(f"{name} = ...").body[0]
        case ast.Assign():
            return node
        case _:
            return None


def _without_body(node: ast.stmt) -> ast.stmt:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node
    told = [ast.Expr(ast.Constant(text))] if (text := ast.get_docstring(node)) else []
    node.body = [*told, *([] if told else [ast.Expr(ast.Constant(...))])]
    return node


def _is_private(node: ast.stmt) -> bool:
    name = getattr(node, "name", "")
    return name.startswith("_") and name != "__init__"


def _public(protocol: type) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in vars(protocol).items() if not name.startswith("_")]


def _member(name: str, member: Any) -> str:
    """A line: how it is written, and the first paragraph of what is said of it."""
    function: Any = member.fget if isinstance(member, property) else member
    told = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    signature = inspect.signature(function)
    result = _type(signature.return_annotation)
    if isinstance(member, property):
        written = f"{name}: {result}"
    else:
        arguments = ", ".join(str(each) for each in list(signature.parameters.values())[1:])
        awaited = "await " if inspect.iscoroutinefunction(function) else ""
        written = f"{awaited}{name}({arguments}) -> {result}"
    return f"- `{_short(written)}`" + (f": {told}" if told else "")


def _type(annotation: Any) -> str:
    return _short(inspect.formatannotation(annotation))


def _short(text: str) -> str:
    for module in ("alma_mcp.contract.", "collections.abc.", "typing."):
        text = text.replace(module, "")
    return text


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(names))
