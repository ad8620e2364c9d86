"""What an answer is made of: what a design gave for each scope, less what must not be shown, merged, cut to size."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alma_mcp.contract import Retrieval
from alma_mcp.logs.experience_log import Event, ExperienceLog
from alma_mcp.token_budget import fitting


@dataclass(frozen=True, slots=True)
class Recalled:
    """One item of an answer with where it came from. `id` is the experience it rests on first."""

    id: str
    text: str
    score: float
    reasons: tuple[str, ...]
    experiences: tuple[str, ...]
    origin: Event


@dataclass(frozen=True, slots=True)
class Answer:
    """The items, best first, and what is to be said about them."""

    items: tuple[Recalled, ...] = ()
    notes: tuple[str, ...] = ()


async def merged(
    log: ExperienceLog, scopes: Sequence[str], retrievals: Iterable[Retrieval], limit: int
) -> tuple[Recalled, ...]:
    """The best items of all scopes; none that rests on a forgotten experience or on one of another scope."""
    ranked = sorted((item for each in retrievals for item in each.items), key=lambda item: -item.score)
    ids = {experience for item in ranked for experience in item.experiences}
    known = await log.experiences(scopes, sorted(ids))
    allowed = [item for item in ranked if item.experiences and all(each in known for each in item.experiences)]
    return tuple(
        Recalled(item.experiences[0], item.text, item.score, item.reasons, item.experiences, known[item.experiences[0]])
        for item in allowed[:limit]
    )


def within(items: Sequence[Recalled], max_tokens: int) -> tuple[Recalled, ...]:
    """As many of the items as fit a token budget, the last one perhaps cut."""
    texts = fitting([item.text for item in items], max_tokens)
    return tuple(replace(item, text=text) for item, text in zip(items, texts, strict=False))
