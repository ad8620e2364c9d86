"""The static audit: what the source of a design shows without being run. A pure function over its syntax tree.

It points at places for a person to read; it proves nothing. Who wants to hide task knowledge from it can: in texts just
short enough, in prompts, in the shape of the code. What a design gains with an empty memory is measured by the gate.

The limits were chosen such that the designs that ship with us have nothing serious, and not much wider (see
`audit_texts`; their worst function has a complexity of 10, the longest of them 233 statements). A design that was
imported carries its source in a text, and executes it: that is serious, and ought to be, since nothing here sees into
that text.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from alma_mcp.evidence.audit_findings import Finding, lines_of, note, serious
from alma_mcp.evidence.audit_reach import UNPACKING, executing, hidden, imports_in, reaching
from alma_mcp.evidence.audit_texts import BEGINNING, knowledge, literals_in
from alma_mcp.visible_text import one_line

COMPLEXITY = 15
STATEMENTS = 400
FINDINGS = 40
REASON = 200
BROAD = frozenset({"Exception", "BaseException"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Audit(BaseModel):
    """What the source shows, the most serious first; of very many findings `left_out` are not here.

    `complexity` is that of the `worst` function: 1 and its branches. `texts` counts the characters of literal texts
    without docstrings and SQL. A source that is not Python has one finding and no figures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: int
    statements: int = 0
    worst: str = ""
    complexity: int = 0
    imports: tuple[str, ...] = ()
    texts: int = 0
    asks_model: bool = False
    findings: tuple[Finding, ...] = ()
    left_out: int = 0

    @property
    def serious(self) -> tuple[Finding, ...]:
        """What speaks against the design until a person has read it."""
        return tuple(each for each in self.findings if each.gravity == "serious")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What is worth a look."""
        return tuple(each for each in self.findings if each.gravity == "note")


@lru_cache(maxsize=8)
def audit(source: str) -> Audit:
    """What a source shows. It runs nothing, and raises nothing: a source that cannot be read is a finding."""
    lines = len(lines_of(source))
    try:
        nodes = _nodes(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = one_line(str(error)[:REASON]) or type(error).__name__
        return Audit(lines=lines, findings=(serious(line, f"it cannot be read as Python: {reason.rstrip('.')}."),))
    asks = any(isinstance(each, ast.Attribute) and each.attr == "complete" for each in nodes)
    modules = {each.module for each in imports_in(nodes)}
    literals = literals_in(nodes)
    worst = max(_functions(nodes), key=lambda each: (each[1], -each[2]), default=("", 0, 0))
    statements = sum(isinstance(each, ast.stmt) for each in nodes)
    found = [
        *executing(nodes),
        *hidden(source),
        *reaching(nodes, imports_in(nodes)),
        *knowledge(literals, prompts_allowed=asks and not UNPACKING & modules),
        *_swallowed(nodes),
        *_shape(worst, statements),
    ]
    found.sort(key=lambda each: each.gravity != "serious")
    return Audit(
        lines=lines,
        statements=statements,
        worst=worst[0],
        complexity=worst[1],
        imports=tuple(sorted(modules)),
        texts=sum(len(each.text) for each in literals if each.texts),
        asks_model=asks,
        findings=tuple(found[:FINDINGS]),
        left_out=max(0, len(found) - FINDINGS),
    )


def _nodes(source: str) -> list[ast.AST]:
    """Raises what `ast.parse` raises; what it only warns of goes unsaid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(ast.walk(ast.parse(source)))


def _swallowed(nodes: Sequence[ast.AST]) -> list[Finding]:
    """Failures of any kind that nobody hears of, so that the gate cannot count them."""
    found = []
    for node in nodes:
        match node:
            case ast.ExceptHandler(type=kind, body=body) if _is_broad(kind) and all(map(_is_nothing, body)):
                named = "anything" if kind is None else one_line(ast.unparse(kind))[:BEGINNING]
                found.append(serious(node.lineno, f"it catches {named} and says nothing of it."))
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args) if any(
                map(_is_broad, args)
            ):
                found.append(serious(node.lineno, "it suppresses every exception and says nothing of it."))
    return sorted(found, key=lambda each: each.line)


def _is_broad(kind: ast.expr | None) -> bool:
    match kind:
        case None:
            return True
        case ast.Tuple(elts=each):
            return any(map(_is_broad, each))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in BROAD
    return False


def _is_nothing(statement: ast.stmt) -> bool:
    """Whether a statement passes, goes on, or gives back the same whatever happened."""
    match statement:
        case ast.Pass() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Constant()) | ast.Return(value=None):
            return True
        case ast.Return(value=ast.Call(args=[], keywords=[])):
            return True
        case ast.Return(value=ast.expr() as value):
            return not any(isinstance(each, ast.Name | ast.Call | ast.Await) for each in ast.walk(value))
    return False


def _functions(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, int, int]]:
    """Each function with its complexity and its line."""
    for node in nodes:
        if isinstance(node, Function):
            yield one_line(node.name)[:BEGINNING], 1 + sum(map(_branches, ast.walk(node))), node.lineno


def _branches(node: ast.AST) -> int:
    match node:
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While():
            return 1
        case ast.ExceptHandler() | ast.Assert() | ast.match_case():
            return 1
    return 0


def _shape(worst: tuple[str, int, int], statements: int) -> Iterator[Finding]:
    name, complexity, line = worst
    if complexity > COMPLEXITY:
        yield note(line, f"{name} is hard to read: a complexity of {complexity}.")
    if statements > STATEMENTS:
        yield note(1, f"it is long: {statements:,} statements.")
