"""A model for a rehearsal: answers of the right shape that cost nothing, always the same."""

import json
from collections.abc import Mapping
from typing import Any

from alma_mcp.toolkit import Completion

WORDS = "This is a rehearsal, and no model was asked."


class Rehearsal:
    """Implements `toolkit.Completer`."""

    async def complete(self, prompt: str, schema: Mapping[str, Any] | None) -> Completion:  # noqa: ARG002
        """A sentence, or the smallest JSON that fits the schema."""
        return Completion(json.dumps(fitting(schema)) if schema else WORDS)


def fitting(schema: Mapping[str, Any]) -> Any:
    """A value that fits the common parts of a JSON schema."""
    if enum := schema.get("enum"):
        return enum[0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind if isinstance(kind, str) else kind[0]:
        case "object":
            return {name: fitting(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [fitting(schema["items"])] if isinstance(schema.get("items"), Mapping) else []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return WORDS
