"""What designs are written to is frozen within a contract version."""

import dataclasses
import inspect
from pathlib import Path

from alma_mcp import contract

FACE = Path(__file__).with_name("face.txt")


def _signature(name: str, value: object) -> str:
    if isinstance(value, property):
        return f"{name} -> {inspect.signature(value.fget).return_annotation}"
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    if inspect.isfunction(value):
        return f"{'async ' if inspect.iscoroutinefunction(value) else ''}{name}{inspect.signature(value)}"
    return f"{name} = {value!r}"


def _class(name: str, found: type) -> list[str]:
    lines = [f"class {name}({', '.join(base.__name__ for base in found.__bases__)})"]
    if dataclasses.is_dataclass(found):
        lines += [f"  field {each.name}: {each.type} = {_default(each)}" for each in dataclasses.fields(found)]
    members = {key: value for key, value in vars(found).items() if not key.startswith("_")}
    plain = {key: value for key, value in members.items() if not inspect.ismemberdescriptor(value)}
    return lines + [f"  {_signature(key, plain[key])}" for key in sorted(plain)]


def _default(each: dataclasses.Field) -> str:
    return "required" if each.default is dataclasses.MISSING else repr(each.default)


def face() -> str:
    """Every public class, function and constant of the contract, a line each."""
    lines = []
    for name, value in sorted(vars(contract).items()):
        ours = getattr(value, "__module__", contract.__name__) == contract.__name__
        if name.startswith("_") or inspect.ismodule(value) or not ours:
            continue
        if inspect.isclass(value):
            lines += _class(name, value)
        elif inspect.isfunction(value):
            lines.append(_signature(name, value))
    return "\n".join([f"contract {contract.CONTRACT_VERSION}", *lines]) + "\n"


def test_the_public_face_of_the_contract_is_the_one_that_designs_were_approved_against():
    assert face() == FACE.read_text(), (
        f"The contract's face changed. If designs written to it keep working, write face() to {FACE.name}; "
        "if not, raise CONTRACT_VERSION."
    )
