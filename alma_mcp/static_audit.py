"""The static audit: what the source of a design shows without being run. A pure function over its syntax tree.

It points at places for a person to read; it proves nothing. Who wants to hide task knowledge from it can: in many
short texts, in numbers, in the shape of the code. What a design gains with an empty memory is measured by the gate.

How the limits were chosen: such that the eight designs that ship with us, which were read, have nothing serious, and no
wider. They have no text above 200 characters but SQL, docstrings and, in the three that ask a model, prompts: the
longest has 944 characters, two of them 1,139 together. Their fullest container has 20 texts (a JSON schema), the longest
265 characters. So a prompt is worth a look where a model is asked, and serious above `PROMPT` and `PROMPTS`; SQL is left
out if it looks like SQL and quotes no prose. A design that was imported, and so carries its source in a text and
executes it, is serious, and ought to be: this audit does not see into that text.
"""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from alma_mcp.visible_text import one_line

TEXT = 200
TEXTS = 20
CONTAINER = 600
SHORT_TEXTS = 4000
PROMPT = 1200
PROMPTS = 2400
NUMBER_BITS = 512
SQL_CHARACTERS = 1500
QUOTED_IN_SQL = 80
BEGINNING = 60
COMPLEXITY = 15
STATEMENTS = 400
FINDINGS = 40
LINES_NAMED = 6

OUTSIDE = frozenset(
    (
        "os",
        "posix",
        "subprocess",
        "socket",
        "ctypes",
        "shutil",
        "pathlib",
        "io",
        "tempfile",
        "glob",
        "fileinput",
        "mmap",
    )
    + ("signal", "pty", "fcntl", "urllib", "http", "ftplib", "smtplib", "ssl", "socketserver", "multiprocessing")
    + ("_io", "_socket", "_posixsubprocess", "_ctypes", "sqlite3")
)
INTERPRETER = frozenset(
    ("sys", "importlib", "builtins", "inspect", "gc", "pickle", "marshal", "code", "codeop", "runpy", "types")
    + ("linecache", "pkgutil", "zipimport", "ast", "imp", "_pickle")
)
UNPACKING = frozenset({"base64", "binascii", "zlib", "gzip", "bz2", "lzma", "codecs", "zipfile"})
EXECUTING = frozenset(
    ("eval", "exec", "compile", "__import__", "open", "globals", "locals", "vars", "breakpoint", "input")
    + ("__builtins__", "__loader__", "__spec__", "__doc__")
)
EXECUTING_ATTRIBUTES = frozenset(
    ("__builtins__", "__globals__", "__subclasses__", "__code__", "__bases__", "__import__", "__loader__", "__doc__")
    + ("create_subprocess_exec", "create_subprocess_shell", "open_connection", "load_extension", "fromfile", "memmap")
)
COMPUTED = frozenset({"getattr", "setattr", "delattr", "attrgetter", "methodcaller"})
BROAD = frozenset({"Exception", "BaseException"})
SQL = re.compile(
    r"\s*(SELECT\b.*\bFROM\b|INSERT\b.*\bINTO\b|UPDATE\b.*\bSET\b|DELETE\s+FROM\b|CREATE\s+(TEMP\s+)?(TABLE|VIRTUAL|INDEX"
    r"|UNIQUE|TRIGGER|VIEW)\b|WITH\b.*\bAS\s*\(|DROP\s+TABLE\b|ALTER\s+TABLE\b)",
    re.DOTALL,
)
IN_SQL = re.compile(r"'[^']*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Container = ast.List | ast.Tuple | ast.Set | ast.Dict
Gravity = Literal["serious", "note"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Frozen):
    """A place in the source, lines from 1, and what is there: a sentence in which nothing is hidden."""

    gravity: Gravity
    line: int
    text: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.text}"


class Audit(_Frozen):
    """What the source shows, the most serious first; of very many findings `left_out` are not here.

    `complexity` is that of the `worst` function: 1 and its branches. `texts` counts the characters of literal texts
    without docstrings and SQL. A source that is not Python has one finding and no figures.
    """

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
        return tuple(each for each in self.findings if each.gravity == "serious")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.gravity == "note")


def audit(source: str) -> Audit:
    """What a source shows. It runs nothing, and raises nothing: a source that cannot be read is a finding."""
    lines = len(_lines(source))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = one_line(f"{type(error).__name__}: {error}")[:TEXT]
        return Audit(lines=lines, findings=(_serious(line, f"it cannot be read as Python ({reason})."),))
    asks = any(isinstance(each, ast.Attribute) and each.attr == "complete" for each in nodes)
    imports = _imports(nodes)
    literals = _literals(nodes)
    worst = max(_functions(nodes), key=lambda each: (each[1], -each[2]), default=("", 0, 0))
    statements = sum(isinstance(each, ast.stmt) for each in nodes)
    allowed = asks and not UNPACKING & {module for module, _, _ in imports}
    found = [
        *_executing(nodes),
        *_hidden(source),
        *_reaching(nodes, imports),
        *_knowledge(literals, allowed=allowed),
        *_swallowed(nodes),
        *_shape(worst, statements),
    ]
    ranked = sorted(found, key=lambda each: each.gravity != "serious")
    return Audit(
        lines=lines,
        statements=statements,
        worst=worst[0],
        complexity=worst[1],
        imports=tuple(sorted({module for module, _, _ in imports})),
        texts=sum(len(text) for _, text, _ in literals),
        asks_model=asks,
        findings=tuple(ranked[:FINDINGS]),
        left_out=max(0, len(ranked) - FINDINGS),
    )


def _serious(line: int, text: str) -> Finding:
    return Finding(gravity="serious", line=line, text=text)


def _note(line: int, text: str) -> Finding:
    return Finding(gravity="note", line=line, text=text)


def _lines(source: str) -> list[str]:
    """As Python counts them."""
    found = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found if found[-1] else found[:-1]


# what can run, or read, what does not stand in the source


def _executing(nodes: Sequence[ast.AST]) -> list[Finding]:
    """Names and attributes through which anything can be run or read, in the order of their lines."""
    plain = {id(each.func) for each in nodes if isinstance(each, ast.Call) and _names_plainly(each)}
    found = []
    for node in nodes:
        match node:
            case ast.Name(id=name) if name in EXECUTING:
                found.append(_serious(node.lineno, f"it uses {name}."))
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in COMPUTED and id(node) not in plain:
                found.append(_serious(node.lineno, f"it uses {name} with a name that is computed."))
            case ast.Attribute(attr=name) if name in EXECUTING_ATTRIBUTES:
                found.append(_serious(node.lineno, f"it uses .{name}."))
    return sorted(found, key=lambda each: each.line)


def _names_plainly(call: ast.Call) -> bool:
    """Whether the attribute that is asked for stands there, and is none that begins with two underscores."""
    asked = call.args[1:2] if isinstance(call.func, ast.Name) and call.func.id.endswith("attr") else call.args
    return bool(asked) and all(_is_plain_name(each) for each in asked)


def _is_plain_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.startswith("__")


def _hidden(source: str) -> Iterator[Finding]:
    for number, line in enumerate(_lines(source), start=1):
        hidden = sorted({ascii(each)[1:-1] for each in line if not each.isprintable() and not each.isspace()})
        if hidden:
            yield _serious(number, f"it has characters that are not seen: {', '.join(hidden[:LINES_NAMED])}.")


def _imports(nodes: Sequence[ast.AST]) -> list[tuple[str, str, int]]:
    """Top-level modules, the names they are known by in the source, and lines."""
    found = []
    for node in nodes:
        match node:
            case ast.Import(names=names):
                found += [
                    (each.name.split(".")[0], each.asname or each.name.split(".")[0], node.lineno) for each in names
                ]
            case ast.ImportFrom(module=module, names=names):
                top = (module or ".").split(".")[0]
                found += [(top, each.asname or each.name, node.lineno) for each in names]
    return sorted(found, key=lambda each: each[2])


def _reaching(nodes: Sequence[ast.AST], imports: Sequence[tuple[str, str, int]]) -> Iterator[Finding]:
    """Modules that a design has no need of, and where what was taken from them is used."""
    used: dict[str, set[int]] = {}
    for node in nodes:
        if isinstance(node, ast.Name):
            used.setdefault(node.id, set()).add(node.lineno)
    for module, name, line in imports:
        lines = sorted(used.get(name, ()))
        places = ", ".join(str(each) for each in lines[:LINES_NAMED]) + (", ..." if len(lines) > LINES_NAMED else "")
        where = f"used on line {places}" if places else "not used by that name"
        what = one_line(module if module == name else f"{name} of {module}")
        if module in OUTSIDE:
            yield _serious(line, f"it imports {what}: files, processes or network ({where}).")
        elif module in INTERPRETER:
            yield _serious(line, f"it imports {what}: the insides of Python ({where}).")
        elif module in UNPACKING:
            yield _note(line, f"it imports {what}: what it unpacks cannot be read here ({where}).")


# texts


def _literals(nodes: Sequence[ast.AST]) -> list[tuple[int, str, int]]:
    """Literal texts without docstrings and SQL: line, text, and how many texts it stands for (0: a number).

    What is added up or formatted counts as one text; what stands in one container as well if it is much.
    """
    done = {id(text) for each in nodes if (text := _docstring(each)) is not None}
    found = []
    for node in nodes:
        if id(node) in done:
            continue
        match node:
            case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
                parts = [each for each in ast.walk(node) if isinstance(each, ast.Constant) and id(each) not in done]
                done |= {id(each) for each in ast.walk(node) if isinstance(each, Container)}
                texts = [text for each in parts if (text := _text(each)) and not _is_sql(text)]
                if len(texts) > TEXTS or sum(map(len, texts)) > CONTAINER:
                    found.append((node.lineno, " ".join(texts), len(texts)))
                    done |= {id(each) for each in ast.walk(node)}
            case ast.BinOp(op=ast.Add()) | ast.JoinedStr():
                pieces = list(_pieces(node))
                done |= {id(each) for each in pieces}
                found.append((node.lineno, "".join(map(_text, pieces)), 1))
            case ast.Constant(value=int(number)) if number.bit_length() > NUMBER_BITS:
                found.append((node.lineno, f"{number:#x}", 0))
            case ast.Constant():
                found.append((node.lineno, _text(node), 1))
    return sorted(each for each in found if each[1] and not _is_sql(each[1]))


def _docstring(node: ast.AST) -> ast.expr | None:
    match node:
        case (
            ast.Module(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.ClassDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.FunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
            | ast.AsyncFunctionDef(body=[ast.Expr(value=ast.Constant(value=str()) as text), *_])
        ):
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
    quoted = sum(len(each) for each in IN_SQL.findall(text))
    return len(text) <= SQL_CHARACTERS and quoted <= QUOTED_IN_SQL and SQL.match(text) is not None


def _knowledge(literals: Sequence[tuple[int, str, int]], *, allowed: bool) -> Iterator[Finding]:
    """Where task knowledge would be written down. Prompts are `allowed` to a design that asks a model."""
    long = [each for each in literals if each[2] != 1 or len(each[1]) > TEXT]
    prompts = sum(len(text) for _, text, texts in long if texts == 1)
    for line, text, texts in long:
        begins = f'{len(text):,} characters, beginning "{one_line(text[:BEGINNING])}"'
        if texts == 0:
            yield _serious(line, f"a number of {len(text) - 2:,} hexadecimal digits can hold knowledge of tasks.")
        elif texts > 1:
            yield _serious(line, f"{texts:,} texts in one place can hold knowledge of tasks: {begins}.")
        elif not allowed:
            yield _serious(line, f"a long text can hold knowledge of tasks: {begins}.")
        elif len(text) > PROMPT or prompts > PROMPTS:
            yield _serious(line, f"a prompt this long can hold knowledge of tasks: {begins}.")
        else:
            yield _note(line, f"a long text, perhaps a prompt: {begins}.")
    short = [each for each in literals if each[2] == 1 and len(each[1]) <= TEXT]
    if (characters := sum(len(text) for _, text, _ in short)) > SHORT_TEXTS:
        line, text, _ = max(short, key=lambda each: len(each[1]))
        begins = f'the longest begins "{one_line(text[:BEGINNING])}"'
        yield _serious(line, f"{len(short):,} short texts have {characters:,} characters together: {begins}.")


# exceptions, size


def _swallowed(nodes: Sequence[ast.AST]) -> list[Finding]:
    """Failures of any kind that nobody hears of, so that the gate cannot count them."""
    found = []
    for node in nodes:
        match node:
            case ast.ExceptHandler(type=kind, body=body) if _is_broad(kind) and all(map(_is_nothing, body)):
                named = "anything" if kind is None else one_line(ast.unparse(kind))[:BEGINNING]
                found.append(_serious(node.lineno, f"it catches {named} and says nothing of it."))
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=args) if any(
                map(_is_broad, args)
            ):
                found.append(_serious(node.lineno, "it suppresses every exception and says nothing of it."))
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
        yield _note(line, f"{name} is hard to read: a complexity of {complexity}.")
    if statements > STATEMENTS:
        yield _note(1, f"it is long: {statements:,} statements.")
