"""An upstream `MemoStructure` file made into a design: our adapter, and the file's source as it is."""

import ast
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from alma_mcp.design_store import Design
from alma_mcp.errors import EvolveError
from evolve.upstream.adapter.bridge import Bridge
from evolve.upstream.adapter.stand_ins import UNUSABLE, stand_ins

ADAPTER = Path(__file__).parent / "adapter"
PARTS = ("bridge", "agent", "embedding", "filters", "collection", "chroma", "recorder", "stand_ins", "imported")
CARD = Path(__file__).parent / "card.md"
FILLED_IN = frozenset({"SOURCES", "MAIN", "NAME", "IDEA", "NEEDS_MODEL"})
INSTALLED = frozenset({*sys.stdlib_module_names, "numpy", "networkx"})
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,59}")
GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement: a module, the names taken from it, and whether the file goes on without it."""

    module: str
    names: tuple[str, ...]
    guarded: bool


def import_file(path: Path, name: str = "", root: Path | None = None) -> Design:
    """The design of an upstream file; modules that are not provided are taken from below `root`, where they lie there.

    Raises `EvolveError` or `StoreError` with a sentence: no such file, not Python, no `MemoStructure`, unknown imports.
    """
    name = name or path.stem
    if not NAME.fullmatch(name):
        raise EvolveError(
            f"{name!r} is no name for a design: letters, digits, `_`, `-` and `.`, at most 60; use --name."
        )
    sources = {path.stem: Design.read(path).source}
    tree = _tree(sources[path.stem], path)
    classes = sorted(_memories(tree))
    if not classes:
        raise EvolveError(f"{path} has no class under MemoStructure, so it is no upstream memory.")
    missing = _gather(path, sources, root)
    card = Template(CARD.read_text(encoding="utf-8")).substitute(
        name=name,
        file=re.sub(r"[^\w. -]", "_", path.name),
        digests="\n".join(f"- {each}: {hashlib.sha256(text.encode()).hexdigest()}" for each, text in sources.items()),
        class_name=classes[0],
        missing="".join(f"\n- {each} is not here: what uses it raises." for each in missing),
    )
    idea = f"{classes[0]}, an upstream ALMA memory, run as it is."
    needs_model = any("Agent" in each.names for source in sources.values() for each in _imports(ast.parse(source)))
    given = {"MAIN": path.stem, "NAME": name, "IDEA": idea, "NEEDS_MODEL": needs_model}
    return Design(_assemble(card, sources, given), name)


def _gather(path: Path, sources: dict[str, str], root: Path | None) -> list[str]:
    """Add what the file imports from below `root`; gives the modules that its code can do without, or has to."""
    provided = stand_ins(Bridge())
    missing: list[str] = []
    unknown: list[str] = []
    waiting = [(path, sources[path.stem])]
    while waiting:
        place, source = waiting.pop()
        for each in _imports(_tree(source, place)):
            if each.module in UNUSABLE:
                missing.append(each.module)
            if each.module in sources or each.module.partition(".")[0] in INSTALLED:
                continue
            if each.module in provided:
                absent = [one for one in each.names if one != "*" and not hasattr(provided[each.module], one)]
                unknown += [f"{each.module}.{one}" for one in absent]
            elif root and (found := _below(root, each.module)):
                sources[each.module] = Design.read(found).source
                waiting.append((found, sources[each.module]))
            else:
                (missing if each.guarded else unknown).append(each.module)
    if unknown:
        listed = ", ".join(dict.fromkeys(unknown))
        raise EvolveError(
            f"{path} imports {listed}, which an imported memory does not have; it has {', '.join(_offered(provided))},"
            " numpy, networkx and the standard library."
        )
    return list(dict.fromkeys(missing))


def _offered(provided: Mapping[str, object]) -> list[str]:
    return [name for name in sorted(provided) if name.partition(".")[0] not in INSTALLED and name not in UNUSABLE]


def _below(root: Path, module: str) -> Path | None:
    places = (root / (module.replace(".", "/") + end) for end in (".py", "/__init__.py"))
    return next((place for place in places if place.is_file()), None)


def _tree(source: str, path: Path) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise EvolveError(f"{path} is not Python: {error}.") from error


def _imports(tree: ast.Module) -> Iterator[Import]:
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and any(map(_is_guard, node.handlers))]
    guarded = {id(node) for each in tries for statement in each.body for node in ast.walk(statement)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, (), id(node) in guarded) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                yield Import("." * level + (module or ""), tuple(each.name for each in names), id(node) in guarded)


def _is_guard(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or (isinstance(each, ast.Name) and each.id in GUARDS) for each in caught)


def _memories(tree: ast.Module) -> set[str]:
    """The classes under `MemoStructure`, by whatever name it was imported."""
    aliases = [each for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for each in node.names]
    known = {"MemoStructure", *(each.asname for each in aliases if each.name == "MemoStructure" and each.asname)}
    found: set[str] = set()
    for _ in range(len(tree.body)):
        below = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and any(_last_name(base) in known | found for base in node.bases)
        }
        if below == found:
            break
        found = below
    return found


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _assemble(card: str, sources: Mapping[str, str], given: Mapping[str, object]) -> str:
    """One file: the card, imports, the upstream sources line by line, the adapter."""
    imports, bodies = _adapter()
    texts = "".join(f"    {name!r}: (\n{_literal(source)}    ),\n" for name, source in sources.items())
    constants = "".join(f"{name} = {value!r}\n" for name, value in given.items())
    return f'"""{card.strip()}\n"""\n\n{imports}\n\nSOURCES = {{\n{texts}}}\n{constants}\n\n{bodies}'


def _literal(source: str) -> str:
    return "".join(f"        {line!r}\n" for line in source.splitlines(keepends=True)) or "        ''\n"


def _adapter() -> tuple[str, str]:
    """The imports of the adapter's files, each once; and the rest of them, one after the other."""
    imports: set[str] = set()
    taken: dict[str, set[str]] = {}
    bodies = []
    for part in PARTS:
        source = (ADAPTER / f"{part}.py").read_text(encoding="utf-8")
        lines = source.splitlines(keepends=True)
        for statement in ast.parse(source).body:
            match statement:
                case ast.Import():
                    imports.add(ast.unparse(statement))
                case ast.ImportFrom(module=str(module), names=names):
                    taken.setdefault(module, set()).update(each.name for each in names)
                case _ if not _is_filled_in(statement):
                    continue
            _blank(lines, statement)
        bodies.append("".join(lines).strip("\n"))
    wanted = {module: names for module, names in taken.items() if not module.startswith("evolve.")}
    imports |= {f"from {module} import {', '.join(sorted(names))}" for module, names in wanted.items()}
    return "\n".join(sorted(imports)), "\n\n\n".join(bodies) + "\n"


def _is_filled_in(statement: ast.stmt) -> bool:
    targets: Sequence[ast.expr] = []
    match statement:
        case ast.Assign(targets=several):
            targets = several
        case ast.AnnAssign(target=one):
            targets = [one]
    return any(isinstance(each, ast.Name) and each.id in FILLED_IN for each in targets)


def _blank(lines: list[str], statement: ast.stmt) -> None:
    assert statement.end_lineno
    for number in range(statement.lineno - 1, statement.end_lineno):
        lines[number] = ""
