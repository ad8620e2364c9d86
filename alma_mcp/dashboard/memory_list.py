"""What a person asked the page Memories to list, out of its address, and the addresses of other lists."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from alma_mcp.dashboard.memory_rows import level_of
from alma_mcp.dashboard.scopes import name_of
from alma_mcp.errors import BadRequest
from alma_mcp.logs.catalogue import Filter, Group
from alma_mcp.logs.curation import Standing
from alma_mcp.visible_text import one_line

LEVELS = {"trusted": "Trusted", "normal": "Normal", "distrusted": "Distrusted", "waiting": "Being forgotten"}
PATH = "/memories"
LONGEST_POSITION = 18


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a select; `count` is the number of experiences, where it is known."""

    value: str
    label: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which experiences to list: empty fields are any. `before` and `after` are positions of the log, 0 for none."""

    scope: str = ""
    kind: str = ""
    agent: str = ""
    trust: str = ""
    before: int = 0
    after: int = 0

    @classmethod
    def of(cls, params: QueryParams) -> Self:
        """What the parameters of an address ask for. Raises `BadRequest`."""
        trust = params.get("trust", "")
        if trust and trust not in LEVELS:
            raise BadRequest(f"There is no trust called {one_line(trust)!r}; choose one of {', '.join(LEVELS)}.")
        words = {name: params.get(name, "") for name in ("scope", "kind", "agent")}
        return cls(**words, trust=trust, before=_position(params, "before"), after=_position(params, "after"))

    @property
    def is_narrow(self) -> bool:
        return any((self.scope, self.kind, self.agent, self.trust))

    @property
    def address(self) -> str:
        """The address of this list."""
        given = {name: value for name, value in asdict(self).items() if value}
        return f"{PATH}?{urlencode(given)}" if given else PATH

    def at(self, *, before: int = 0, after: int = 0) -> str:
        """The address of another page of this list."""
        return replace(self, before=before, after=after).address

    def filter(self, standings: Mapping[str, Standing]) -> Filter:
        """The filter of the catalogue that this asks for."""
        of_level = frozenset(name for name, each in standings.items() if level_of(each) == self.trust)
        return Filter(
            self.scope,
            self.kind,
            self.agent,
            only=of_level if self.trust and self.trust != "normal" else None,
            but=frozenset(standings) if self.trust == "normal" else (),
        )


def scope_choices(groups: Sequence[Group]) -> list[Choice]:
    """The scopes that hold experiences, most first."""
    counts: Counter[str] = Counter()
    for each in groups:
        counts[each.scope] += each.count
    names = Counter(map(name_of, counts))
    return [
        Choice(scope, name_of(scope) if names[name_of(scope)] == 1 else one_line(scope), count)
        for scope, count in counts.most_common()
    ]


def choices(counted: Sequence[tuple[str, int]]) -> list[Choice]:
    """The distinct words among these, most first, without the empty one."""
    counts: Counter[str] = Counter()
    for word, count in counted:
        counts[word] += count
    return [Choice(word, one_line(word), count) for word, count in counts.most_common() if word]


def _position(params: QueryParams, name: str) -> int:
    given = params.get(name, "") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) <= LONGEST_POSITION):
        raise BadRequest(f"`{name}` is a position of the log, a whole number, and not {one_line(given)!r}.")
    return int(given)
