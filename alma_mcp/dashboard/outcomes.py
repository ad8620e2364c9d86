"""What comes of a deed: a sentence for the person on the page that follows, or what a script of ours goes on with."""

from collections.abc import Awaitable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from alma_mcp.dashboard.flash import say
from alma_mcp.errors import AlmaError


async def said(request: Request, doing: Awaitable[str], then: str) -> str:
    """What came of it, or why nothing did, on top of the page `then`; gives that."""
    try:
        say(request, await doing)
    except AlmaError as problem:
        say(request, str(problem), "bad")
    return then


async def answered(doing: Awaitable[dict[str, Any]]) -> Response:
    """What a script needs, or a sentence on why it does not get it, which is an answer as well."""
    try:
        return JSONResponse(await doing)
    except AlmaError as problem:
        return JSONResponse({"problem": str(problem)})
