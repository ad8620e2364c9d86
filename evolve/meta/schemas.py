"""What a writer must answer where it is not a design: JSON of these forms, checked."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

OBJECT = re.compile(r"\{.*\}", re.DOTALL)


def _said(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


Sentence = Annotated[str, AfterValidator(_said)]
"""Some text. That it is not empty is no part of the schema, since `strict` does not know it."""


class _Answer(BaseModel):
    """Closed, every field wanted: what `strict` asks of a schema."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Reflection(_Answer):
    """What a design's own record shows."""

    observations: list[Sentence] = Field(description="What the scores and the episodes show, a sentence each.")
    weaknesses: list[Sentence] = Field(description="What in the code causes losses, the most costly first.")
    lessons: list[Sentence] = Field(
        description="At most three general lessons, each under 200 characters, that name or quote no task."
    )


class Idea(_Answer):
    """One hypothesis that can turn out false, and how it is to be built."""

    mechanism: Sentence = Field(description="What the new design does that its parent does not, in one sentence.")
    why: Sentence = Field(description="Why this makes up for a weakness, in one or two sentences.")
    refuted_by: Sentence = Field(description="What in the results would show that it is wrong.")
    borrows_from_second: bool = Field(description="Whether it takes a mechanism over from the second parent.")
    steps: list[Sentence] = Field(description="The plan: what to store, how to update, how to retrieve, in steps.")


AnswerOf = TypeVar("AnswerOf", bound=_Answer)


class Invalid(Exception):
    """An answer is not of its form; `str()` says what is wrong."""


def schema_of(form: type[_Answer]) -> Mapping[str, Any]:
    """The JSON schema of an answer."""
    return form.model_json_schema()


def read(text: str, form: type[AnswerOf]) -> AnswerOf:
    """The answer in a text, which may stand in a fence or between words. Raises `Invalid`."""
    found = OBJECT.search(text)
    if not found:
        raise Invalid("There is no JSON object in it.")
    try:
        return form.model_validate_json(found[0])
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:5]]
        raise Invalid("; ".join(problem.removeprefix(": ") for problem in problems)) from error
