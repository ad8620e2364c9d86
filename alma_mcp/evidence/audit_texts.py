"""Where a source could have knowledge of tasks written down: long texts, many texts, many or large numbers.

The limits stand a little above what the eight designs that ship with us have, which were read: no text above 200
characters but SQL, docstrings and, in the three that ask a model, prompts (the longest has 944 characters, two of one
design 1,139 together); at most 20 texts in one container (a JSON schema) and 161 characters; 779 characters in all
short texts of a design. Prompts, short texts and containers have room for twice to four times that.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alma_mcp.evidence.audit_findings import Finding, note, serious
from alma_mcp.visible_text import one_line

TEXT = 200
TEXTS = 20
CONTAINER = 600
SHORT_TEXTS = 2000
PROMPT = 1200
PROMPTS = 2400
NUMBERS = 64
NUMBER_BITS = 512
SQL_CHARACTERS = 1500
QUOTED_IN_SQL = 80
BEGINNING = 60
SQL = re.compile(
    r"\s*(SELECT\b.*\bFROM\b|INSERT\b.*\bINTO\b|UPDATE\b.*\bSET\b|DELETE\s+FROM\b|CREATE\s+(TABLE|VIRTUAL|INDEX|TRIGGER)\b"
    r"|WITH\b.*\bAS\s*\(|DROP\s+TABLE\b)",
    re.DOTALL,
)
IN_SQL = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)

Container = ast.List | ast.Tuple | ast.Set | ast.Dict


@dataclass(frozen=True, slots=True)
class Literal:
    """What is written down on a line: so many texts, here as one, or so many numbers."""

    line: int
    text: str
    texts: int = 1
    numbers: int = 0

    @property
    def long(self) -> bool:
        return self.numbers > 0 or self.texts > 1 or len(self.text) > TEXT


def literals_in(nodes: Sequence[ast.AST]) -> list[Literal]:
    """Literal texts without docstrings and SQL, and numbers where they are many or large, in the order of their lines.

    What is added up or formatted counts as one text; so does what stands in one container, if it is much.
    """
    done = {id(text) for each in nodes if (text := _docstring(each)) is not None}
    found: list[Literal] = []
    for node in nodes:
        if id(node) in done:
            continue
        match node:
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                inside = list(ast.walk(node))
                done |= {id(each) for each in inside if isinstance(each, Container)}
                if much := _much(node.lineno, inside):
                    found.append(much)
                    done |= {id(each) for each in inside}
            case ast.BinOp(op=ast.Add()) | ast.JoinedStr():
                pieces = list(_pieces(node))
                done |= {id(each) for each in pieces}
                found.append(Literal(node.lineno, "".join(map(_text, pieces))))
            case ast.Constant(value=int(number)) if number.bit_length() > NUMBER_BITS:
                found.append(Literal(node.lineno, f"{number:#x}", 0, 1))
            case ast.Constant():
                found.append(Literal(node.lineno, _text(node)))
    return sorted((each for each in found if each.text and not _is_sql(each.text)), key=lambda each: each.line)


def knowledge(literals: Sequence[Literal], *, prompts_allowed: bool) -> Iterator[Finding]:
    """Where task knowledge could be written down. A design that asks a model needs prompts: they are worth a look."""
    long = [each for each in literals if each.long]
    prompts = sum(len(each.text) for each in long if each.texts == 1)
    for each in long:
        begins = f'{len(each.text):,} characters, beginning "{_beginning(each.text)}"'
        if each.numbers:
            yield serious(each.line, f"numbers that can hold knowledge of tasks: {begins}.")
        elif each.texts > 1:
            yield serious(each.line, f"{each.texts:,} texts that can hold knowledge of tasks: {begins}.")
        elif not prompts_allowed:
            yield serious(each.line, f"a long text that can hold knowledge of tasks: {begins}.")
        elif len(each.text) > PROMPT or prompts > PROMPTS:
            yield serious(each.line, f"a prompt so long that it can hold knowledge of tasks: {begins}.")
        else:
            yield note(each.line, f"a long text, perhaps a prompt: {begins}.")
    short = [each for each in literals if not each.long]
    if (characters := sum(len(each.text) for each in short)) > SHORT_TEXTS:
        longest = max(short, key=lambda each: len(each.text))
        begins = f'the longest begins "{_beginning(longest.text)}"'
        yield serious(longest.line, f"{len(short):,} short texts, {characters:,} characters together: {begins}.")


def _beginning(text: str) -> str:
    return one_line(text[:BEGINNING])


def _much(line: int, inside: Sequence[ast.AST]) -> Literal | None:
    """What a container holds as one literal, if it is much."""
    constants = [each for each in inside if isinstance(each, ast.Constant)]
    texts = [text for each in constants if (text := _text(each)) and not _is_sql(text)]
    if len(texts) > TEXTS or sum(map(len, texts)) > CONTAINER:
        return Literal(line, " ".join(texts), max(2, len(texts)))
    numbers = [each.value for each in constants if isinstance(each.value, int | float)]
    large = any(isinstance(each, int) and each.bit_length() > NUMBER_BITS for each in numbers)
    if len(numbers) > NUMBERS and not large:
        return Literal(line, " ".join(map(str, numbers)), 0, len(numbers))
    return None


def _docstring(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
            return text
    return None


def _pieces(node: ast.expr) -> Iterator[ast.expr]:
    """The sums, formatted texts and constants that make one text, in their order."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        match each:
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                waiting += [right, left]
                yield each
            case ast.JoinedStr(values=values):
                waiting += reversed(values)
                yield each
            case ast.Constant():
                yield each


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(data)):
            return repr(data)[2:-1]
    return ""


def _is_sql(text: str) -> bool:
    """Whether it looks like SQL and quotes no prose."""
    if len(text) > SQL_CHARACTERS or not SQL.match(text):
        return False
    return sum(map(len, IN_SQL.findall(text))) <= QUOTED_IN_SQL
