"""What a source could reach beyond the contract: what runs what does not stand in it, hidden characters, modules."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alma_mcp.evidence.audit_findings import Finding, lines_of, note, serious
from alma_mcp.visible_text import one_line

NAMED = 6
OUTSIDE = frozenset({
    "os", "posix", "subprocess", "socket", "ctypes", "shutil", "pathlib", "io", "tempfile", "glob", "fileinput",
    "mmap", "signal", "pty", "fcntl", "urllib", "http", "ftplib", "smtplib", "ssl", "socketserver",
    "multiprocessing", "sqlite3", "_io", "_socket", "_posixsubprocess", "_ctypes",
})  # fmt: skip
INTERPRETER = frozenset({
    "sys", "importlib", "builtins", "inspect", "gc", "pickle", "_pickle", "marshal", "code", "codeop", "runpy",
    "types", "linecache", "pkgutil", "zipimport", "ast", "imp",
})  # fmt: skip
UNPACKING = frozenset({"base64", "binascii", "zlib", "gzip", "bz2", "lzma", "codecs", "zipfile"})
EXECUTING = frozenset({
    "eval", "exec", "compile", "__import__", "open", "globals", "locals", "vars", "breakpoint", "input",
    "__builtins__", "__loader__", "__spec__", "__doc__",
})  # fmt: skip
EXECUTING_ATTRIBUTES = frozenset({
    "__builtins__", "__globals__", "__subclasses__", "__code__", "__bases__", "__import__", "__loader__", "__doc__",
    "create_subprocess_exec", "create_subprocess_shell", "open_connection", "load_extension", "fromfile", "memmap",
})  # fmt: skip
COMPUTED = frozenset({"getattr", "setattr", "delattr", "attrgetter", "methodcaller"})


@dataclass(frozen=True, slots=True)
class Import:
    """A top-level module, and the name by which the source knows it, or something of it."""

    module: str
    name: str
    line: int


def executing(nodes: Sequence[ast.AST]) -> list[Finding]:
    """Names and attributes through which anything can be run or read, in the order of their lines."""
    plain = {id(each.func) for each in nodes if isinstance(each, ast.Call) and _names_plainly(each)}
    found = []
    for node in nodes:
        match node:
            case ast.Name(id=name) if name in EXECUTING:
                found.append(serious(node.lineno, f"it uses {name}."))
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in COMPUTED and id(node) not in plain:
                found.append(serious(node.lineno, f"it uses {name} with a name that is computed."))
            case ast.Attribute(attr=name) if name in EXECUTING_ATTRIBUTES:
                found.append(serious(node.lineno, f"it uses .{name}."))
    return sorted(found, key=lambda each: each.line)


def _names_plainly(call: ast.Call) -> bool:
    """Whether the attribute that is asked for stands there, and is none that begins with two underscores."""
    asked = call.args[1:2] if isinstance(call.func, ast.Name) and call.func.id.endswith("attr") else call.args
    return bool(asked) and all(_is_plain_name(each) for each in asked)


def _is_plain_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.startswith("__")


def hidden(source: str) -> Iterator[Finding]:
    """Lines with characters that an editor does not show, or that reorder what it shows."""
    for number, line in enumerate(lines_of(source), start=1):
        unseen = sorted({ascii(each)[1:-1] for each in line if not each.isprintable() and not each.isspace()})
        if unseen:
            yield serious(number, f"it has characters that are not seen: {', '.join(unseen[:NAMED])}.")


def imports_in(nodes: Sequence[ast.AST]) -> list[Import]:
    """In the order of their lines."""
    found = []
    for node in nodes:
        match node:
            case ast.Import(names=names):
                tops = [each.name.split(".")[0] for each in names]
                found += [Import(top, each.asname or top, node.lineno) for top, each in zip(tops, names, strict=True)]
            case ast.ImportFrom(module=module, names=names):
                top = (module or ".").split(".")[0]
                found += [Import(top, each.asname or each.name, node.lineno) for each in names]
    return sorted(found, key=lambda each: each.line)


def reaching(nodes: Sequence[ast.AST], imports: Sequence[Import]) -> Iterator[Finding]:
    """Modules that a design has no need of, and where what was taken from them is used."""
    used: dict[str, set[int]] = {}
    for node in nodes:
        if isinstance(node, ast.Name):
            used.setdefault(node.id, set()).add(node.lineno)
    for each in imports:
        lines = sorted(used.get(each.name, ()))
        what = one_line(each.module if each.module == each.name else f"{each.module}, known as {each.name}")
        if each.module in OUTSIDE:
            yield serious(each.line, f"it imports {what}: files, processes or network; {_places(lines)}.")
        elif each.module in INTERPRETER:
            yield serious(each.line, f"it imports {what}: the insides of Python; {_places(lines)}.")
        elif each.module in UNPACKING:
            yield note(each.line, f"it imports {what}: what that unpacks cannot be read here; {_places(lines)}.")


def _places(lines: Sequence[int]) -> str:
    if not lines:
        return "not used by that name"
    return "used on line " + ", ".join(map(str, lines[:NAMED])) + (", ..." if len(lines) > NAMED else "")
