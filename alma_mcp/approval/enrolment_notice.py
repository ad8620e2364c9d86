"""Keys for approvals that are new: told loudly for a week, to whoever looks at the status."""

from collections.abc import Sequence
from datetime import UTC, datetime

from alma_mcp.ledger.state import EnrolledKey
from alma_mcp.visible_text import one_line

LOUD_SECONDS = 7 * 24 * 3600.0
OF_THE_FIRST = (
    "somebody else can approve promotions here: end the engine, move ledger.db and approver.pem out of the home, and"
    " enrol your own key"
)


def notices(keys: Sequence[EnrolledKey], now: float) -> list[str]:
    """A sentence for each key of the last week; `now` in seconds. A key of the future is as new as can be."""
    return [_told(key) for key in keys if now - key.at < LOUD_SECONDS]


def _told(key: EnrolledKey) -> str:
    on = datetime.fromtimestamp(key.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    whose = f" of {one_line(key.name)}" if key.name else ""
    through = f" through the {one_line(key.channel)}" if key.channel else ""
    how = "as the first one, on nobody's word" if key.first else f"on the word of {one_line(key.by) or 'an older key'}"
    if key.replaces:
        how = "in place of the one before, which signed it"
    instead = OF_THE_FIRST if key.first else "see `alma-mcp approvers`, and ask who did"
    return (
        f"a key for approvals{whose} ({key.method}) was enrolled on {on}{through}, {how}."
        f" If that was not one of you, {instead}."
    )
