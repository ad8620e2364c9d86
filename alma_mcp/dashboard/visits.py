"""Who may look at the dashboard: one-time links, and the visits that begin with one. In the engine's memory alone."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

LINK_SECONDS = 120.0
VISIT_SECONDS = 12 * 3600.0
MOST_LINKS = 20
MOST_VISITS = 50

Tone = Literal["good", "bad", "warn", "plain"]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence that is shown once, on top of the next page."""

    sentence: str
    tone: Tone = "good"


@dataclass(slots=True)
class Visit:
    """One signed-in browser. `id` names it and opens nothing; `csrf` stands in each of its forms."""

    id: str
    used: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    said: Said | None = None

    def take_said(self) -> Said | None:
        """What is to be shown now, and not again."""
        said, self.said = self.said, None
        return said


class Visits:
    """The links that were given out and not yet used, and the visits that are not over.

    `clock` gives seconds that only grow. Tokens have 256 random bits.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._links: dict[str, float] = {}
        self._visits: dict[str, Visit] = {}

    def new_link(self) -> str:
        """A token that begins one visit within `LINK_SECONDS`."""
        self._forget_old()
        while len(self._links) >= MOST_LINKS:
            del self._links[next(iter(self._links))]
        token = secrets.token_urlsafe(32)
        self._links[token] = self._clock() + LINK_SECONDS
        return token

    def begin(self, token: str) -> str:
        """Use up a link; gives the key of a new visit, or nothing where the link is unknown, used or old."""
        self._forget_old()
        if self._links.pop(token, None) is None:
            return ""
        while len(self._visits) >= MOST_VISITS:
            del self._visits[next(iter(self._visits))]
        key = secrets.token_urlsafe(32)
        self._visits[key] = Visit(secrets.token_hex(8), self._clock())
        return key

    def find(self, key: str, *, use: bool = True) -> Visit | None:
        """The visit with this key; to `use` it makes it last longer."""
        self._forget_old()
        visit = self._visits.get(key)
        if visit is not None and use:
            visit.used = self._clock()
        return visit

    def end(self, key: str) -> None:
        """Sign out."""
        self._visits.pop(key, None)

    def _forget_old(self) -> None:
        now = self._clock()
        self._links = {token: until for token, until in self._links.items() if now < until}
        self._visits = {key: visit for key, visit in self._visits.items() if now < visit.used + VISIT_SECONDS}
