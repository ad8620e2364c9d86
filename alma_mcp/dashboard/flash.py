"""What an action says of what it did."""

from starlette.requests import Request

from alma_mcp.dashboard.visits import Said, Tone, Visit


def visit_of(request: Request) -> Visit:
    """The visit that a request belongs to; its `id` may key what is kept for it between two requests."""
    visit: Visit = request.state.visit
    return visit


def say(request: Request, sentence: str, tone: Tone = "good") -> None:
    """Show a sentence on top of the page that this visit sees next, once: `say(request, "Rejected.")`."""
    visit_of(request).said = Said(sentence, tone)
