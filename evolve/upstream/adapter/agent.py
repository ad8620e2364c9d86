"""`utils.hire_agent.Agent`: a chat with a model, answered by the toolkit."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from alma_mcp.contract import Unavailable

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
SCHEMA_WORDS = frozenset({"type", "properties", "items", "enum", "anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"})


class APIError(Exception):
    """The model cannot be asked, as `openai` would say it."""


class Agent:
    """Asks the host's model. `model`, temperature and effort are the host's to choose, and are passed over."""

    bridge: ClassVar[Any]

    def __init__(self, system_prompt: str, output_schema: dict[str, Any] | None = None, model: str = "gpt-4.1") -> None:
        wanted = f"\nAnswer with one JSON object, and nothing else, that fits this schema: {json.dumps(output_schema)}"
        self.model = model
        self.output_schema = output_schema or None
        self.messages = [{"role": "system", "content": system_prompt + (wanted if output_schema else "")}]

    def get_agent_config(self) -> dict[str, Any]:
        """The model's name, the system prompt, and what was said since."""
        return {"model": self.model, "system_prompt": self.messages[0], "history": self.messages[1:]}

    async def ask(
        self,
        user_input: Any,
        with_full_msg: bool = False,  # noqa: FBT001, FBT002 - callers give it by place
        with_history: bool = False,  # noqa: FBT001, FBT002
        temperature: float | None = None,  # noqa: ARG002
        reasoning_effort: str | None = None,  # noqa: ARG002
    ) -> Any:
        """The model's answer: a text; with a schema a dict, `{"error", "raw_output"}` where it does not fit.

        `with_full_msg` takes `user_input` for a whole list of messages. Raises `APIError`.
        """
        self.messages.append({"role": "user", "content": user_input})
        told = self.messages if with_history else [self.messages[0], self.messages[-1]]
        prompt = prompt_of(user_input if with_full_msg else told)
        schema = whole_schema(self.output_schema) if self.output_schema else None
        try:
            answer = await asyncio.wrap_future(self.bridge.ask(lambda toolkit: toolkit.complete(prompt, schema)))
        except Unavailable as reason:
            raise APIError(str(reason)) from reason
        self.messages.append({"role": "assistant", "content": answer})
        return parsed(answer, self.output_schema) if self.output_schema else answer


def prompt_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """A chat as one prompt; who spoke is said where there is more than one turn."""
    instructions = [str(each["content"]) for each in messages if each["role"] == "system"]
    turns = [(str(each["role"]), str(each["content"])) for each in messages if each["role"] != "system"]
    if len(turns) > 1:
        turns = [(role, f"{role}: {content}") for role, content in turns]
    return "\n\n".join(part for part in (*instructions, *(content for _, content in turns)) if part) or " "


def whole_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema; a mapping of names to schemas, which upstream is told to write, becomes its properties."""
    if SCHEMA_WORDS & schema.keys() and not all(isinstance(value, dict) for value in schema.values()):
        return schema
    return {"type": "object", "properties": schema, "required": list(schema)}


def parsed(answer: str, schema: Mapping[str, Any]) -> Any:
    """The JSON of an answer, or upstream's dict of what is wrong with it."""
    try:
        value = json.loads(answer)
    except ValueError:
        return {"error": "Model output is not valid JSON.", "raw_output": answer}
    if problem := misfit(value, schema):
        return {"error": f"Output does not match schema: {problem}", "raw_output": answer}
    return value


def misfit(value: Any, schema: Mapping[str, Any]) -> str:
    """Why a value does not fit a schema's `type`, `enum`, `required`, `properties` and `items`; empty if it does."""
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, str(kind)) for kind in kinds):
        return f"{value!r} is not of type {', '.join(map(str, kinds))}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {schema['enum']!r}"
    if isinstance(value, dict):
        return _object_misfit(value, schema)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return next((problem for each in value if (problem := misfit(each, schema["items"]))), "")
    return ""


def _object_misfit(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    required = schema.get("required")
    if isinstance(required, list) and (missing := [name for name in required if name not in value]):
        return f"{missing[0]!r} is a required property"
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    parts = [(value[name], part) for name, part in known.items() if name in value and isinstance(part, dict)]
    return next((problem for each, part in parts if (problem := misfit(each, part))), "")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES.get(kind, object))
