"""The dashboard as an application: signing in, the pages of every section, their forms, and what goes wrong."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from alma_mcp import errors
from alma_mcp.dashboard.guard import Guard
from alma_mcp.dashboard.live import Parts, SignedOut, Streams
from alma_mcp.dashboard.rendering import Pages
from alma_mcp.dashboard.section import Action, Section, Shown, View
from alma_mcp.dashboard.visits import Visit, Visits

STATIC = Path(__file__).parent / "static"
FIRST_PAGE = "/champion"
MOST_FIELDS = 2000
STATUSES: Mapping[type[errors.AlmaError], int] = {
    errors.BadRequest: 400,
    errors.DesignUnknown: 404,
    errors.DataMissing: 404,
    errors.LedgerError: 409,
    errors.DesignAltered: 409,
}

log = logging.getLogger("alma_mcp.dashboard")


def build_app(
    sections: Sequence[Section], visits: Visits, streams: Streams, port: int, clock: Callable[[], float]
) -> ASGIApp:
    """The application of these sections, served at `http://localhost:PORT` and nowhere else.

    `clock` gives seconds since the epoch.
    """
    return Guard(_Dashboard(sections, visits, streams, port, clock).app, port)


class _Dashboard:
    def __init__(
        self,
        sections: Sequence[Section],
        visits: Visits,
        streams: Streams,
        port: int,
        clock: Callable[[], float],
    ) -> None:
        self._pages = Pages(sections, clock)
        self._visits = visits
        self._streams = streams
        self._cookie = f"alma-mcp-{port}"
        self._views: list[tuple[Route, View, Section]] = []
        routes: list[Route | Mount] = []
        for section in sections:
            for path, view in section.views.items():
                route = Route(path, self._showing(view, section), methods=["GET"])
                self._views.append((route, view, section))
                routes.append(route)
            routes += [
                Route(path, self._acting(act, section), methods=["POST"]) for path, act in section.actions.items()
            ]
        self.app = Starlette(routes=[*self._own_routes(), *routes], exception_handlers=self._handlers())

    def _own_routes(self) -> list[Route | Mount]:
        return [
            Route("/", self._begin, methods=["GET"]),
            Route("/enter/{token}", self._enter, methods=["GET"]),
            Route("/enter/{token}", self._sign_in, methods=["POST"]),
            Route("/leave", self._leave, methods=["POST"]),
            Route("/live", self._live, methods=["GET"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    def _handlers(self) -> Mapping[Any, Any]:
        async def http(request: Request, error: Exception) -> Response:
            assert isinstance(error, HTTPException)
            sentence = (
                "Nothing of the dashboard is at this address; it may have been forgotten, or mistyped."
                if error.status_code == HTTPStatus.NOT_FOUND
                else f"{error.detail.removesuffix('.')}."
            )
            return self._problem(request, sentence, error.status_code)

        async def unexpected(request: Request, _: Exception) -> Response:
            return self._problem(request, "Something went wrong in the dashboard; the engine's log says what.", 500)

        async def known(request: Request, error: Exception) -> Response:
            return self._problem(request, str(error), status_of(error))

        return {HTTPException: http, errors.AlmaError: known, Exception: unexpected}

    def _visit(self, request: Request, *, use: bool = True) -> Visit | None:
        visit = self._visits.find(request.cookies.get(self._cookie, ""), use=use)
        request.state.visit = visit
        return visit

    async def _begin(self, request: Request) -> Response:
        return RedirectResponse(FIRST_PAGE, 303) if self._visit(request) else self._signed_out()

    async def _enter(self, request: Request) -> Response:
        """A page that sends itself on.

        So a look at a link does not use it up, and the cookie is set by a page of ours, whoever the link came from.
        """
        return HTMLResponse(self._pages.plain("enter.html", {"action": request.url.path}))

    async def _sign_in(self, request: Request) -> Response:
        key = self._visits.begin(request.path_params["token"])
        if not key:
            sentence = "This link was used already, or is older than two minutes."
            return HTMLResponse(self._pages.plain("signed_out.html", {"sentence": sentence}), 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, key, httponly=True, samesite="strict", path="/")
        return answer

    async def _leave(self, request: Request) -> Response:
        form = await _form(request)
        if (visit := self._visit(request)) and form.get("csrf") == visit.csrf:
            self._visits.end(request.cookies[self._cookie])
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(self._cookie, path="/")
        return answer

    def _showing(self, view: View, section: Section) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            visit = self._visit(request)
            if visit is None:
                return self._signed_out()
            request.state.section = section
            shown = await view(request)
            if isinstance(shown, Response):
                return shown
            return self._page(request, shown, visit)

        return show

    def _acting(self, act: Action, section: Section) -> Callable[[Request], Awaitable[Response]]:
        async def do(request: Request) -> Response:
            visit = self._visit(request)
            if visit is None:
                return self._signed_out()
            request.state.section = section
            form = await _form(request)
            if form.get("csrf") != visit.csrf:
                raise HTTPException(
                    403, "The form is not one of this visit: go back, reload the page and send it again"
                )
            done = await act(request, form)
            if isinstance(done, Response):
                return done
            return _led_to(done)

        return do

    async def _live(self, request: Request) -> Response:
        path, _, query = request.query_params.get("path", "").partition("?")
        if self._visit(request, use=False) is None:
            return self._signed_out()
        scope = {**request.scope, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
        for route, view, section in self._views:
            matched, found = route.matches(scope)
            if matched is Match.FULL:
                return self._streams.stream(self._rendering({**scope, **found}, view, section))
        raise HTTPException(404)

    def _rendering(self, scope: Mapping[str, Any], view: View, section: Section) -> Callable[[], Awaitable[Parts]]:
        async def render() -> Parts:
            request = Request({**scope, "state": {}})
            visit = self._visit(request, use=False)
            if visit is None:
                raise SignedOut
            try:
                shown = await view(request)
            except errors.AlmaError as error:
                return {"problem": str(error)}
            if isinstance(shown, Response):
                return {}
            return {"problem": "", **self._pages.live(shown, visit, _address(request), section)}

        return render

    def _page(self, request: Request, shown: Shown, visit: Visit) -> Response:
        section = getattr(request.state, "section", None)
        given = Shown(shown.template, {"said": visit.take_said(), **shown.values}, shown.status)
        return HTMLResponse(self._pages.page(given, visit, _address(request), section), shown.status)

    def _problem(self, request: Request, sentence: str, status: int) -> Response:
        visit = self._visit(request)
        if visit is None:
            return self._signed_out()
        section: Section | None = getattr(request.state, "section", None)
        values = {"sentence": sentence, "status": status, "back": section.path if section else "/"}
        return self._page(request, Shown("problem.html", values, status), visit)

    def _signed_out(self) -> Response:
        sentence = "You are not signed in here, or the engine was started again since."
        return HTMLResponse(self._pages.plain("signed_out.html", {"sentence": sentence}), 401)


def status_of(error: Exception) -> int:
    """The HTTP status that says best what an error is."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def _led_to(path: str) -> Response:
    """Shows a page of the dashboard, and no other, after a form."""
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        raise HTTPException(500, f"A form led to {path!r}, which is no page of the dashboard")
    return RedirectResponse(path, 303)


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=MOST_FIELDS)


def _address(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
