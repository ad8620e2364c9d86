"""What can be said without a design: word matches among the newest memories."""

from collections.abc import Sequence

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval, excerpt, telling_words, words
from alma_mcp.logs.experience_log import Event


def newest_by_words(events: Sequence[Event], query: Query) -> Retrieval:
    """The experiences that share most telling words with the query; newest first among equals."""
    wanted = set(telling_words(query.text))
    items = []
    for event in events:
        experience = Experience.from_json(event.body)
        if shared := len(wanted & set(words(experience.text))):
            text = excerpt(experience, query.text)
            items.append(MemoryItem(text, shared / len(wanted), (experience.id,), (f"{shared} words in common",)))
    return Retrieval(tuple(sorted(items, key=lambda item: -item.score)[: query.limit]))
