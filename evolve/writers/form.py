"""The form of an answer where nothing but words can ask for it: the schema in the prompt, the JSON out of the text."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

FORM = Path(__file__).parents[1] / "prompts" / "form.md"
BLOCK = re.compile(r"^```(?:json)?[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


def with_schema(prompt: str, schema: Mapping[str, Any]) -> str:
    """The prompt, and after it the form that its answer is to have."""
    text = Template(FORM.read_text(encoding="utf-8"))
    return text.substitute(prompt=prompt, schema=json.dumps(schema, indent=1))


def unwrapped(text: str) -> str:
    """The JSON object in an answer: the whole of it, its last fenced block, or what lies between the outermost braces.

    An answer without one stays as it is, for its reader to reject.
    """
    return next((found for found in _offers(text) if _is_object(found)), text)


def _offers(text: str) -> Iterator[str]:
    yield text.strip()
    yield from (block.strip() for block in reversed(BLOCK.findall(text)))
    yield text[text.find("{") : text.rfind("}") + 1]


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
