"""The rows of the ledger in words: what happened, who said so, through which channel, and on what evidence."""

from dataclasses import dataclass

from alma_mcp.ledger.rows import (
    Approved,
    Building,
    Content,
    Enrolled,
    Expired,
    Genesis,
    Live,
    Ready,
    Rejected,
    Requested,
    RolledBack,
)
from alma_mcp.visible_text import one_line

SHORT = 12
METHODS = {"passphrase": "a passphrase", "passkey": "a passkey"}


@dataclass(frozen=True, slots=True)
class Words:
    """One row in words. `tone` says how it should look; empty fields are what the row does not tell."""

    title: str
    sentence: str
    who: str = ""
    channel: str = ""
    evidence: str = ""
    tone: str = "plain"


def words_of(content: Content) -> Words:
    """What a row says."""
    match content:
        case Genesis(design):
            return Words("Began", f"The home began with the bundled design {_short(design)}.")
        case Enrolled():
            return _enrolled(content)
        case Requested() | Building() | Ready() | Expired():
            return _on_the_way(content)
        case Approved() | Rejected():
            return _decided(content)
        case Live(design, request):
            return Words("Live", f"The design {_short(design)} of request {request} answers from here on.", tone="live")
        case RolledBack(design, by, channel, reason):
            why = f" {_sentence(reason)}" if reason else ""
            return Words(
                "Rolled back",
                f"Back to the design {_short(design)}.{why}",
                one_line(by),
                one_line(channel),
                tone="warn",
            )


def _enrolled(content: Enrolled) -> Words:
    method = METHODS.get(content.method, one_line(content.method))
    sentence = f"A key that {method} unlocks may approve from here on."
    if content.replaces:
        sentence += f" It replaces {_short(content.replaces)}, which may no more."
    if not content.key:
        sentence += " No earlier key stands behind it: it is the first."
    return Words("Key enrolled", sentence, one_line(content.name), one_line(content.channel), tone="warn")


def _on_the_way(content: Requested | Building | Ready | Expired) -> Words:
    match content:
        case Requested():
            approvers = f"{content.needed} approvers" if content.needed > 1 else "a person"
            sentence = f"{one_line(content.name)} ({_short(content.design)}) waits for {approvers}."
            by, channel = one_line(content.requested_by), one_line(content.channel)
            return Words("Requested", sentence, by, channel, content.evidence)
        case Building(request):
            return Words("Building", f"The design of request {request} began to take in this home's memories.")
        case Ready(request, report):
            sentence = f"The design of request {request} has taken in this home's memories and could serve."
            return Words("Ready", sentence, evidence=report, tone="good")
        case Expired(request, reason):
            return Words("Expired", f"Request {request} can be decided no more. {_sentence(reason)}".strip())


def _decided(content: Approved | Rejected) -> Words:
    match content:
        case Approved():
            sentence = f"The design {_short(content.design)} of request {content.request} may serve."
            by, channel = one_line(content.approved_by), one_line(content.channel)
            return Words("Approved", sentence, by, channel, content.evidence, tone="good")
        case Rejected(request, by, channel):
            return Words("Rejected", f"Request {request} was turned down.", one_line(by), one_line(channel), tone="bad")


def _short(identifier: str) -> str:
    return one_line(identifier[:SHORT])


def _sentence(text: str) -> str:
    text = one_line(text).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
