"""The mechanisms of a `RankedMemory` design, cut out of its source and joined into another, as syntax trees."""

import ast
import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

PARTS = ("create", "store", "rank", "forget")
TOLD = ("name", "idea")


class Clash(Exception):
    """Two designs define the same name differently."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A `RankedMemory` design in pieces. `weights` names its mechanisms."""

    weights: Mapping[str, float]
    imports: Sequence[ast.stmt]
    globals: Mapping[str, ast.stmt]
    attributes: Mapping[str, ast.stmt]
    methods: Mapping[str, ast.stmt]


@dataclass(slots=True)
class _Pieces:
    """What a new design is put together from."""

    imports: dict[str, ast.stmt] = field(default_factory=dict)
    globals: dict[str, ast.stmt] = field(default_factory=dict)
    attributes: dict[str, ast.stmt] = field(default_factory=dict)
    methods: dict[str, ast.stmt] = field(default_factory=dict)


def read_recipe(source: str) -> Recipe | None:
    """The pieces of a design; `None` where it is not a `RankedMemory` with literal weights."""
    tree = ast.parse(source)
    ranked = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_ranked(node)]
    if len(ranked) != 1:
        return None
    body = {name: node for node in ranked[0].body for name in _names(node)}
    weights = _literal(body.get("weights"))
    if not isinstance(weights, dict):
        return None
    methods = {name: node for name, node in body.items() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return Recipe(
        weights={str(name): float(weight) for name, weight in weights.items()},
        imports=[node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)],
        globals={name: node for node in tree.body if node is not ranked[0] for name in _names(node)},
        attributes={
            name: node for name, node in body.items() if name not in methods and name not in (*TOLD, "weights")
        },
        methods=methods,
    )


def join(weights: Mapping[str, float], sources: Mapping[str, Recipe], base: Recipe, name: str, idea: str) -> str:
    """A design with these mechanisms, each taken from its recipe. Raises `Clash`."""
    pieces = _Pieces()
    for mechanism in weights:
        recipe = sources[mechanism]
        _gather(pieces, recipe, [f"{part}_{mechanism}" for part in PARTS if f"{part}_{mechanism}" in recipe.methods])
    _gather(pieces, base, _remaining(base, pieces))
    body: list[ast.stmt] = [ast.Expr(ast.Constant(f"{idea}\n"))]
    body += [*pieces.imports.values(), *pieces.globals.values()]
    attributes = ast.parse(f"name = {name!r}\nidea = {idea!r}\nweights = {dict(weights)!r}").body
    members = [*attributes, *pieces.attributes.values(), *pieces.methods.values()]
    base_class = ast.Name("RankedMemory", ast.Load())
    body.append(ast.ClassDef("Recombined", [base_class], [], members, []))
    module = ast.fix_missing_locations(ast.Module(body, []))
    return ast.unparse(module) + "\n"


def constants(recipe: Recipe) -> list[str]:
    """The module-level numbers of a design."""
    named = {name: _literal(node) for name, node in recipe.globals.items() if name.isupper()}
    return [name for name, value in named.items() if isinstance(value, int | float) and not isinstance(value, bool)]


def scaled(recipe: Recipe, name: str, factor: float) -> Recipe:
    """A recipe with one module-level number changed; whole numbers stay whole and positive."""
    value = _literal(recipe.globals[name])
    assert isinstance(value, int | float)
    changed = max(1, round(value * factor)) if isinstance(value, int) else value * factor
    node = ast.parse(f"{name} = {changed!r}").body[0]
    return Recipe(recipe.weights, recipe.imports, {**recipe.globals, name: node}, recipe.attributes, recipe.methods)


def fingerprint(source: str) -> str:
    """The same for designs that differ only in what they say of themselves."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _says_only(each)] or [ast.Pass()]
        if isinstance(node, ast.ClassDef):
            node.name = "Design"
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _gather(pieces: _Pieces, recipe: Recipe, methods: Iterable[str]) -> None:
    """Take methods over, with every method, attribute, global and import that they use."""
    waiting = list(methods)
    while waiting:
        name = waiting.pop(0)
        if name in pieces.methods and name in recipe.methods:
            _same(name, pieces.methods[name], recipe.methods[name])
            continue
        node = recipe.methods[name]
        pieces.methods[name] = node
        waiting += [used for used in _of_self(node) if used in recipe.methods]
        for used in _of_self(node) & recipe.attributes.keys():
            _take(pieces.attributes, used, recipe.attributes[used])
        _take_globals(pieces, recipe, node)


def _take_globals(pieces: _Pieces, recipe: Recipe, node: ast.AST) -> None:
    for used in sorted(_used(node) & recipe.globals.keys()):
        needed = recipe.globals[used]
        if needed is not node and used not in pieces.globals:
            _take_globals(pieces, recipe, needed)
        _take(pieces.globals, used, needed)
    for statement in recipe.imports:
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        for alias in statement.names:
            if (alias.asname or alias.name.split(".")[0]) in {*_used(node), "RankedMemory"}:
                single = copy.copy(statement)
                single.names = [alias]
                pieces.imports[ast.unparse(single)] = single


def _remaining(base: Recipe, pieces: _Pieces) -> list[str]:
    """The methods of the base that are no mechanism's and need nothing that was left out."""
    own = {f"{part}_{mechanism}" for part in PARTS for mechanism in base.weights}
    needs = {name: _of_self(node) & base.methods.keys() for name, node in base.methods.items()}
    left = [name for name in base.methods if name not in own and name not in pieces.methods and name[0] != "_"]
    return [name for name in left if needs[name] <= pieces.methods.keys()]


def _take(into: dict[str, ast.stmt], name: str, node: ast.stmt) -> None:
    if name in into:
        _same(name, into[name], node)
    into[name] = node


def _same(name: str, one: ast.AST, other: ast.AST) -> None:
    if ast.dump(one) != ast.dump(other):
        raise Clash(name)


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case _:
            return []


def _literal(node: ast.stmt | None) -> object:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    try:
        return ast.literal_eval(value) if value is not None else None
    except ValueError:
        return None


def _is_ranked(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "RankedMemory" for base in node.bases)


def _used(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def _of_self(node: ast.AST) -> set[str]:
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "self"
    }


def _says_only(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return bool(set(_names(node)) & set(TOLD))
