"""The section Memories: what is stored, found as an assistant would find it, and what a person decides about it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request

from alma_mcp.dashboard.flash import say
from alma_mcp.dashboard.memory_list import LEVELS, PATH, Wanted, choices, scope_choices
from alma_mcp.dashboard.memory_rows import TRUST, Row, level_of, remarks_of, row_of
from alma_mcp.dashboard.memory_search import MAX_TOKENS, Asked, found_of
from alma_mcp.dashboard.section import Section, Shown
from alma_mcp.errors import BadRequest
from alma_mcp.logs.catalogue import Catalogue, Group
from alma_mcp.logs.curation import Curation, Standing
from alma_mcp.logs.experience_log import Event, ExperienceLog
from alma_mcp.service import MemoryService
from alma_mcp.visible_text import one_line, visible

TEMPLATES = Path(__file__).parent / "templates"
ROWS_ON_A_PAGE = 40
MOST_WAITING_SHOWN = 20
EFFECTS = {
    "trusted": "trusted now.",
    "normal": "back to normal trust.",
    "distrusted": "distrusted now: no assistant is shown what rests on it, until you trust it again.",
}


def memories_section(
    service: MemoryService,
    log: ExperienceLog,
    curation: Curation,
    clock: Callable[[], float] = time.time,
    by: str = "dashboard",
) -> Section:
    """The section. `clock` gives seconds since the epoch; `by` is who decides here, as the log will name them."""
    page = _Memories(service, log, curation, clock, by)
    return Section(
        title="Memories",
        path=PATH,
        templates=TEMPLATES,
        views={PATH: page.show, f"{PATH}/{{id:path}}": page.show_one},
        actions={f"{PATH}/trust": page.trust, f"{PATH}/forget": page.forget, f"{PATH}/undo": page.undo},
        badge=lambda: str(len(curation.waiting()) or ""),
    )


class _Memories:
    def __init__(
        self, service: MemoryService, log: ExperienceLog, curation: Curation, clock: Callable[[], float], by: str
    ) -> None:
        self._service = service
        self._log = log
        self._curation = curation
        self._clock = clock
        self._by = by
        self._catalogue = Catalogue(log)

    async def show(self, request: Request) -> Shown:
        """What an assistant would be given for a question; without one all there is, newest first."""
        groups = await self._catalogue.groups()
        asked = Asked.of(request.query_params, scope_choices(groups))
        if asked.q.strip():
            return await self._search(asked)
        return await self._list(asked, Wanted.of(request.query_params), groups)

    async def show_one(self, request: Request) -> Shown:
        """All of one experience, also of one that is withheld."""
        name = request.path_params["id"]
        event = await self._catalogue.one(name)
        if event is None:
            return Shown("memory_gone.html", {"id": visible(name)}, status=404)
        remarks = remarks_of(await self._catalogue.said_about(event))
        return Shown("memory.html", {"row": self._row(event), "remarks": remarks, "levels": LEVELS})

    async def trust(self, request: Request, form: FormData) -> str:
        """Give the chosen experiences one of the three trusts."""
        names, wanted = _chosen(form), str(form.get("trust", ""))
        if not wanted:
            raise BadRequest("Nothing was changed: press Trust, Normal, Distrust or Forget for what you ticked.")
        if wanted not in TRUST:
            raise BadRequest(f"Trust is one of {', '.join(TRUST)}, not {one_line(wanted)!r}.")
        await self._curation.trust(names, TRUST[wanted], self._by)
        say(request, f"{_these(names)} {EFFECTS[wanted]}", "warn" if wanted == "distrusted" else "good")
        return _back(form)

    async def forget(self, request: Request, form: FormData) -> str:
        """Withhold the chosen experiences, and have them erased in ten minutes."""
        names = _chosen(form)
        await self._curation.forget(names, self._by)
        say(
            request,
            f"{_these(names)} withheld now and erased for good in ten minutes. You can undo it until then.",
            "warn",
        )
        return _back(form)

    async def undo(self, request: Request, form: FormData) -> str:
        """Take back that the chosen experiences are to be forgotten."""
        names = _chosen(form)
        await self._curation.undo(names, self._by)
        say(request, f"{_these(names)} kept, with the trust of before.")
        return _back(form)

    async def _search(self, asked: Asked) -> Shown:
        answer = await self._service.retrieve(asked.who, asked.query, MAX_TOKENS, noted=False)
        names = sorted({each for item in answer.items for each in item.experiences})
        events = await self._log.experiences(asked.who.readable, names)
        values = {
            "asked": asked,
            "found": found_of(answer.items, events, self._row),
            "notes": [visible(each) for each in answer.notes],
            "withheld": sum(each.withheld for each in self._curation.standings().values()),
        }
        return Shown("memories_found.html", values)

    async def _list(self, asked: Asked, wanted: Wanted, groups: Sequence[Group]) -> Shown:
        standings = self._curation.standings()
        filtered = wanted.filter(standings)
        page = await self._catalogue.page(filtered, ROWS_ON_A_PAGE, before=wanted.before, after=wanted.after)
        values = {
            "asked": asked,
            "wanted": wanted,
            "rows": [self._row(event) for event in page.events],
            "count": await self._catalogue.count(filtered),
            "newer": wanted.at(after=page.events[0].position) if page.newer and page.events else "",
            "older": wanted.at(before=page.events[-1].position) if page.older and page.events else "",
            "waiting": await self._waiting(),
            **_overview(groups, standings),
        }
        return Shown("memories.html", values)

    async def _waiting(self) -> list[Row]:
        """What is about to be erased, soonest first."""
        names = list(self._curation.waiting())[:MOST_WAITING_SHOWN]
        events = await self._log.experiences(list(self._log.counts()), names) if names else {}
        return [self._row(events[each]) for each in names if each in events]

    def _row(self, event: Event) -> Row:
        return row_of(event, self._curation.of(event.body["id"]), self._clock())


def _overview(groups: Sequence[Group], standings: Mapping[str, Standing]) -> dict[str, Any]:
    """Numbers of all that is stored, and what a list can be narrowed to."""
    standing = Counter(map(level_of, standings.values()))
    return {
        "total": sum(each.count for each in groups),
        "levels": LEVELS,
        "standing": standing,
        "scopes": scope_choices(groups),
        "kinds": choices([(each.kind, each.count) for each in groups]),
        "agents": choices([(each.agent, each.count) for each in groups]),
    }


def _chosen(form: FormData) -> list[str]:
    """The ids that a form names. Raises `BadRequest` where there is none."""
    names = [str(each) for each in form.getlist("id") if str(each)]
    if not names:
        raise BadRequest("No memory is chosen: tick the ones you mean, then press the button again.")
    return list(dict.fromkeys(names))


def _these(names: Sequence[str]) -> str:
    return f"{one_line(names[0])} is" if len(names) == 1 else f"{len(names):,} memories are"


def _back(form: FormData) -> str:
    """The page that a form was on, where that is one of these."""
    back = str(form.get("back", ""))
    return back if back == PATH or back.startswith((f"{PATH}?", f"{PATH}/")) else PATH
