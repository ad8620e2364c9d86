"""Waiting in a terminal until a request is rehearsed, with a line that says how far it is."""

import asyncio
import sys
from typing import Any

from alma_mcp.control import Control
from alma_mcp.errors import NotApprovable
from alma_mcp.visible_text import one_line

POLL_SECONDS = 0.2
BEFORE = ("requested", "building")
WIPE = "\r\x1b[K"


async def until_ready(engine: Control, request: int) -> None:
    """Return once a person may approve it. Raises `NotApprovable` where it ended meanwhile, with the reason."""
    shown = ""
    while (asked := await engine.request("promotions.state", {"request": request}))["state"] in BEFORE:
        line = _told(asked)
        if line != shown:
            _write(f"{WIPE}{line}")
            shown = line
        await asyncio.sleep(POLL_SECONDS)
    if shown:
        _write(WIPE)
    if asked["state"] != "ready":
        why = f": {one_line(asked['reason']).rstrip('.')}" if asked["reason"] else ""
        raise NotApprovable(f"The request is {asked['state'].replace('_', ' ')} by now{why}.")


def _told(asked: dict[str, Any]) -> str:
    far = "{:,} of {:,} events taken in".format(*asked["progress"]) if asked["progress"] else "it waits for its turn"
    return f"{one_line(asked['name'])} is being rehearsed with this home's memories: {far}. Ctrl-C ends the waiting."


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
