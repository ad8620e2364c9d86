"""Whether a written design is anything new; asked before anything is paid for it."""

import ast
import hashlib
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alma_mcp.contract import RankedMemory
from alma_mcp.design_store import Design
from evolve.evaluation import Rejection
from evolve.mechanisms import TOLD

NEAR = 0.985
"""Designs that share so much are near-duplicates (Jaccard index of their shingles).

The nearest two of the bundled designs share 0.27, and a lower bound would part them as well; but a child is mostly its
parent. `hybrid` without one of its mechanisms, or with a borrowed one, shares 0.75 to 0.91 with itself, and must pass.
0.985 is a short expression of `hybrid` (2,000 shingles), and less than a word of `lexical` (500).
"""

SHINGLE = 5
"""Tokens in a row."""
REMEMBERED = 4096

TOKEN = re.compile(r"\w+|[^\w\s]")
KEPT = frozenset(dir(RankedMemory))
SQL = ("select ", "insert ", "update ", "delete ", "create ", "drop ", "alter ", "with ", "pragma ")
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def why_not_new(source: str, others: Sequence[Design], *, strict: bool = True) -> Rejection | None:
    """Why a design need not be evaluated: one of the others is the same, or nearly.

    The same syntax tree is the same design, whatever it says of itself. When `strict`, so is one that differs in
    numbers, strings (but for SQL) and names of its own alone, and a near-duplicate. A proposer that tunes constants
    on purpose is not asked so strictly. A text that is no Python is for the static check.
    """
    mine = _face(source)
    faces = [(other, face) for other in others if (face := _face(other.source))]
    if mine is None or not faces:
        return None
    for other, face in faces:
        if mine.exact == face.exact:
            return _repeats(source, f"It is the design {_called(other)} again.")
    if not strict:
        return None
    for other, face in faces:
        if mine.outline == face.outline:
            told = f"It differs from the design {_called(other)} in constants and names alone; change a mechanism."
            return _repeats(source, told)
    shared, nearest = max(((_shared(mine, face), other) for other, face in faces), key=lambda each: each[0])
    if shared < NEAR:
        return None
    return _repeats(source, f"{shared:.0%} of it stands in the design {_called(nearest)}; change more than a detail.")


def similarity(one: str, other: str) -> float:
    """How much of two designs is the same, in [0, 1]: Jaccard index of shingles, comments and constants apart.

    0 where one of them is no Python.
    """
    mine, theirs = _face(one), _face(other)
    return _shared(mine, theirs) if mine and theirs else 0.0


@dataclass(frozen=True, slots=True)
class _Face:
    """A design to compare, in hashes: its code, its code without constants and names of its own, its runs of tokens."""

    exact: str
    outline: str
    shingles: np.ndarray


@lru_cache(maxsize=REMEMBERED)
def _face(source: str) -> _Face | None:
    """None where the source is no Python."""
    try:
        tree = ast.parse(source)
        _strip(tree)
        exact = ast.unparse(tree)
        own = _own_names(tree)
        tokens = TOKEN.findall(ast.unparse(ast.fix_missing_locations(_Masking().visit(tree))))
    except UNREADABLE:
        return None
    return _Face(_digest(exact), _digest(" ".join(_renamed(tokens, own))), _shingles(tokens))


def _shared(one: _Face, other: _Face) -> float:
    shared = len(np.intersect1d(one.shingles, other.shingles, assume_unique=True))
    every = len(one.shingles) + len(other.shingles) - shared
    return shared / every if every else 1.0


def _shingles(tokens: Sequence[str]) -> np.ndarray:
    runs = {tuple(tokens[place : place + SHINGLE]) for place in range(len(tokens) - SHINGLE + 1)}
    return np.array(sorted({hash(run) for run in runs}), dtype=np.int64)


def _renamed(tokens: Sequence[str], own: Container[str]) -> Iterator[str]:
    """The tokens, names of a design's own numbered in the order they come."""
    numbers: dict[str, str] = {}
    for token in tokens:
        yield numbers.setdefault(token, f"_{len(numbers)}") if token in own else token


def _repeats(source: str, reason: str) -> Rejection:
    return Rejection(Design(source).id, "novelty", reason)


def _called(design: Design) -> str:
    return design.name or design.short


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _strip(tree: ast.Module) -> None:
    """Take away what a design says of itself: docstrings, its name, its idea."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _says_only(each)] or [ast.Pass()]
        if isinstance(node, ast.ClassDef):
            node.name = "Design"


def _says_only(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in TOLD
        case _:
            return False


class _Masking(ast.NodeTransformer):
    """Makes every number 0 and every string empty; SQL is no constant but a mechanism, and keeps its words."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        match node.value:
            case int() | float() | complex():
                return ast.Constant(0)
            case str() as text:
                return ast.Constant(text if text.lstrip().lower().startswith(SQL) else "")
            case _:
                return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return node.operand if _is_number(node.operand) and not isinstance(node.op, ast.Not) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return node.left if _is_number(node.left) and _is_number(node.right) else node


def _own_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case _:
                pass
    return names - KEPT


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0 and not isinstance(node.value, str)
