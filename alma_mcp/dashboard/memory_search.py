"""A question asked as an assistant would ask it: through whose eyes, what came back, why, and what it rests on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from alma_mcp.access import USER_SCOPE, Principal
from alma_mcp.contract import Query
from alma_mcp.dashboard.memory_list import Choice
from alma_mcp.dashboard.memory_rows import Part, Row, part_of
from alma_mcp.errors import BadRequest
from alma_mcp.logs.experience_log import Event
from alma_mcp.recall import Recalled
from alma_mcp.visible_text import one_line

LIMIT = 8
MAX_TOKENS = 1200
SESSION = "dashboard"


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form: the question, its context, and the scope of the project to ask for, or the user's."""

    q: str
    context: str
    eyes: str
    choices: Sequence[Choice]

    @classmethod
    def of(cls, params: QueryParams, scopes: Sequence[Choice]) -> "Asked":
        """What an address asks, where these scopes hold something. Raises `BadRequest`."""
        projects = [each for each in scopes if each.value != USER_SCOPE]
        everywhere = Choice(USER_SCOPE, "no project: what is stored for you alone")
        known = [*projects, everywhere]
        eyes = params.get("eyes") or known[0].value
        if eyes not in [each.value for each in known]:
            raise BadRequest(f"Nothing is stored for {one_line(eyes)!r}; choose one of the projects in the list.")
        return cls(params.get("q", ""), params.get("context", ""), eyes, known)

    @property
    def who(self) -> Principal:
        """The session of an assistant that works there."""
        return Principal(SESSION, "" if self.eyes == USER_SCOPE else self.eyes)

    @property
    def query(self) -> Query:
        return Query(self.q, self.context, LIMIT)


@dataclass(frozen=True, slots=True)
class Found:
    """An item of an answer; `rests` are the experiences it rests on, nearest first."""

    number: int
    text: Part
    score: str
    reasons: tuple[str, ...]
    rests: tuple[Row, ...]


def found_of(items: Sequence[Recalled], events: Mapping[str, Event], row: Callable[[Event], Row]) -> list[Found]:
    """The items of an answer with the rows of what they rest on, as far as it is still there."""
    return [
        Found(
            number,
            part_of("", item.text),
            f"{item.score:.3g}",
            tuple(one_line(each) for each in item.reasons),
            tuple(row(events[each]) for each in item.experiences if each in events),
        )
        for number, item in enumerate(items, start=1)
    ]
