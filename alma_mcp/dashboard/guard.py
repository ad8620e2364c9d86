"""What every request must be before a page sees it: meant for this server, sent from its own pages, and small."""

from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 2**20
TOO_LARGE = "The form is too large; nothing was changed."
HTTP_PORT = 80
OTHER_NAMES = ("127.0.0.1", "[::1]")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Refuses, in front of an application, what a browser would not send for a person who uses the dashboard.

    The page must be asked for by the name `localhost`: another name in `Host` is a site that lets its own name lead
    here (DNS rebinding), and passkeys are for a name, not for an address.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        suffix = "" if port == HTTP_PORT else f":{port}"  # which browsers leave out
        self._authority = f"localhost{suffix}"
        self._origin = f"http://{self._authority}"
        self._others = [f"{name}{suffix}" for name in OTHER_NAMES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers, method = Headers(scope=scope), scope["method"]
        host = headers.getlist("host")
        if host and len(host) == 1 and host[0] in self._others and method in ("GET", "HEAD"):
            query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
            return RedirectResponse(f"{self._origin}{scope['raw_path'].decode('latin-1')}{query}", 307)
        if host != [self._authority]:
            return _say(421, f"This is alma-mcp's dashboard; it is at {self._origin} and under no other name.")
        if method == "POST":
            return self._refused_post(headers)
        if method not in ("GET", "HEAD"):
            return _say(405, "The dashboard answers GET and POST alone.")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and (
            headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"
        ):
            return _say(403, "Another page may link to the dashboard, and not load or embed it.")
        return None

    def _refused_post(self, headers: Headers) -> Response | None:
        if headers.getlist("origin") != [self._origin] or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _say(403, "The form was not sent from the dashboard; nothing was changed.")
        if headers.get("content-type", "").split(";")[0] not in (
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ):
            return _say(415, "The dashboard takes forms alone; nothing was changed.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return _say(413, TOO_LARGE)
        return None


def _say(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n", status)


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise HTTPException(413, TOO_LARGE)
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: Any = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
