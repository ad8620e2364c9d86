"""A Chroma collection in memory: texts, metadata and vectors by id, searched exactly."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolve.upstream.adapter.filters import holds, matches

PARTS = ("embeddings", "documents", "metadatas")


@dataclass(slots=True)
class Record:
    """One entry. `vector` is float32."""

    document: str
    vector: Any
    metadata: dict[str, Any] = field(default_factory=dict)


class Collection:
    """Entries in the order they came. `embed` gives vectors to texts that come without."""

    def __init__(self, name: str, embed: Callable[[Any], Any], metadata: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.metadata = dict(metadata) if metadata else None
        self._embed = embed
        self._records: dict[str, Record] = {}
        self._matrix: Any = None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"The stand-in for a Chroma collection has no {name}().")

    def count(self) -> int:
        return len(self._records)

    def add(self, ids: Any, embeddings: Any = None, metadatas: Any = None, documents: Any = None) -> None:
        """Add what is new; an id that is there already stays as it is."""
        self._write(ids, embeddings, metadatas, documents, lambda key: key not in self._records)

    def upsert(self, ids: Any, embeddings: Any = None, metadatas: Any = None, documents: Any = None) -> None:
        """Add or change; metadata that is not named stays."""
        self._write(ids, embeddings, metadatas, documents, lambda _: True)

    def update(self, ids: Any, embeddings: Any = None, metadatas: Any = None, documents: Any = None) -> None:
        """Change what is there; unknown ids are passed over."""
        self._write(ids, embeddings, metadatas, documents, lambda key: key in self._records)

    def get(
        self,
        ids: Any = None,
        where: Any = None,
        limit: int | None = None,
        offset: int | None = None,
        where_document: Any = None,
        include: Sequence[str] = ("metadatas", "documents"),
    ) -> dict[str, Any]:
        """Entries in the order they came, as lists under `ids`, `documents`, `metadatas` and `embeddings`."""
        keys = self._selected(ids, where, where_document)[offset or 0 :][:limit]
        return {"ids": keys, **self._shown(keys, include)}

    def peek(self, limit: int = 10) -> dict[str, Any]:
        return self.get(limit=limit, include=PARTS)

    def delete(self, ids: Any = None, where: Any = None, where_document: Any = None) -> None:
        """Delete by id or filter; unknown ids are passed over."""
        if ids is None and where is None and where_document is None:
            raise ValueError("At least one of ids, where, or where_document must be provided in delete.")
        for key in self._selected(ids, where, where_document):
            del self._records[key]
        self._matrix = None

    def query(
        self,
        query_embeddings: Any = None,
        query_texts: Any = None,
        n_results: int = 10,
        where: Any = None,
        where_document: Any = None,
        include: Sequence[str] = ("metadatas", "documents", "distances"),
    ) -> dict[str, Any]:
        """The nearest entries of each query, in lists of lists, with their `distances`."""
        if query_embeddings is None:
            query_embeddings = self._embed(_listed_texts(query_texts))
        found = [self.nearest(vector, n_results, where, where_document) for vector in query_embeddings]
        keys = [[key for key, _ in each] for each in found]
        shown = [self._shown(each, include) for each in keys]
        answer: dict[str, Any] = {"ids": keys, "included": list(include), "uris": None, "data": None}
        for part in PARTS:
            answer[part] = [each[part] for each in shown] if part in include else None
        distances = [[distance for _, distance in each] for each in found]
        return {**answer, "distances": distances if "distances" in include else None}

    def nearest(
        self, vector: Any, count: int, where: Any = None, where_document: Any = None
    ) -> list[tuple[str, float]]:
        """Keys and distances, smallest first: squared L2, or as `hnsw:space` says (`cosine`, `ip`)."""
        if count < 1:
            raise TypeError(f"Number of requested results {count}, cannot be negative, or zero.")
        filtered = where is not None or where_document is not None
        wanted = set(self._selected(None, where, where_document)) if filtered else None
        if not self._records:
            return []
        if self._matrix is None:
            self._matrix = np.stack([record.vector for record in self._records.values()])
        distances = self._distances(np.asarray(vector, dtype=np.float32))
        pairs = [(key, float(each)) for key, each in zip(self._records, distances, strict=True)]
        return sorted((pair for pair in pairs if wanted is None or pair[0] in wanted), key=lambda pair: pair[1])[:count]

    def vector(self, key: str) -> Any:
        return self._records[key].vector

    @property
    def space(self) -> str:
        """`l2`, `cosine` or `ip`."""
        return str((self.metadata or {}).get("hnsw:space", "l2"))

    def _distances(self, vector: Any) -> Any:
        if self.space == "l2":
            return np.sum((self._matrix - vector) ** 2, axis=1)
        products = self._matrix @ vector
        if self.space == "cosine":
            products = products / (np.linalg.norm(self._matrix, axis=1) * np.linalg.norm(vector))
        return 1 - products

    def _write(self, ids: Any, embeddings: Any, metadatas: Any, documents: Any, wanted: Callable[[str], bool]) -> None:
        keys = checked_keys(ids)
        texts: list[Any] = _listed_texts(documents) if documents is not None else [None] * len(keys)
        rows = [checked_metadata(row) for row in _listed_rows(metadatas, len(keys))]
        vectors = embeddings
        if vectors is None and documents is not None:
            vectors = self._embed(texts)
        for number, key in enumerate(keys):
            if not wanted(key):
                continue
            record = self._records.setdefault(key, Record("", None))
            record.document = record.document if texts[number] is None else str(texts[number])
            record.vector = record.vector if vectors is None else np.asarray(vectors[number], dtype=np.float32)
            changed = {**record.metadata, **rows[number]}
            record.metadata = {name: value for name, value in changed.items() if value is not None}
        self._matrix = None

    def _selected(self, ids: Any, where: Any, where_document: Any) -> list[str]:
        named = {ids} if isinstance(ids, str) else set(ids) if ids is not None else None
        return [
            key
            for key, record in self._records.items()
            if (named is None or key in named)
            and (where is None or matches(record.metadata, where))
            and (where_document is None or holds(record.document, where_document))
        ]

    def _shown(self, keys: Sequence[str], include: Sequence[str]) -> dict[str, Any]:
        records = [self._records[key] for key in keys]
        return {
            "embeddings": [record.vector.tolist() for record in records] if "embeddings" in include else None,
            "documents": [record.document for record in records] if "documents" in include else None,
            "metadatas": [dict(each.metadata) or None for each in records] if "metadatas" in include else None,
            "included": list(include),
            "uris": None,
            "data": None,
        }


def checked_keys(ids: Any) -> list[str]:
    """Ids as a list of distinct texts. Raises `ValueError`."""
    keys = [ids] if isinstance(ids, str) else list(ids)
    if strange := [key for key in keys if not isinstance(key, str)]:
        raise ValueError(f"Expected ID to be a str, got {strange[0]!r}")
    if len(set(keys)) != len(keys) or not keys:
        raise ValueError(f"Expected IDs to be unique and at least one, got {keys!r}")
    return keys


def checked_metadata(metadata: Any) -> dict[str, Any]:
    """Metadata as a flat dict. Raises `ValueError`."""
    row = dict(metadata or {})
    for value in row.values():
        if value is not None and not isinstance(value, str | int | float | list):
            raise ValueError(f"Expected metadata value to be a str, int, float, bool, list or None, got {value!r}")
    return row


def _listed_texts(texts: Any) -> list[Any]:
    return [texts] if isinstance(texts, str) else list(texts)


def _listed_rows(metadatas: Any, count: int) -> list[Any]:
    rows = [metadatas] if isinstance(metadatas, Mapping) else list(metadatas or ())
    return rows + [None] * (count - len(rows))
