"""A finding of the static audit: a place in a source, and what is there."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Gravity = Literal["serious", "note"]


class Finding(BaseModel):
    """A place in the source, lines from 1, and what is there: a sentence in which nothing is hidden."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gravity: Gravity
    line: int
    text: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.text}"


def serious(line: int, text: str) -> Finding:
    """What speaks against a design until a person has read it."""
    return Finding(gravity="serious", line=line, text=text)


def note(line: int, text: str) -> Finding:
    """What is worth a look."""
    return Finding(gravity="note", line=line, text=text)


def lines_of(source: str) -> list[str]:
    """The lines of a source as Python counts them."""
    found = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return found if found[-1] else found[:-1]
