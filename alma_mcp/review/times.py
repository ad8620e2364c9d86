"""Moments as a page tells them in a sentence."""

from datetime import UTC, datetime


def when(seconds: float) -> str:
    """A moment (seconds since the epoch) in UTC, to the minute."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
