"""`langchain_chroma.Chroma` and `chromadb.Client`, in memory.

As there, two of them with one name of a collection, or none, share what they hold.
"""

import asyncio
import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

from evolve.upstream.adapter.collection import Collection


@dataclass
class Document:
    """A text with metadata."""

    page_content: str
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    type: str = "Document"


class Chroma:
    """A vector store over one collection."""

    collections: ClassVar[dict[tuple[str, str], Collection]]
    fresh_id: ClassVar[Any] = staticmethod(lambda: str(uuid.uuid4()))

    def __init__(
        self,
        collection_name: str = "langchain",
        embedding_function: Any = None,
        persist_directory: str | None = None,
        client_settings: Any = None,  # noqa: ARG002 - where the original keeps things; here it is memory
        collection_metadata: Mapping[str, Any] | None = None,
        client: Any = None,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> None:
        self._embedding_function = embedding_function
        self._key = (persist_directory or "", collection_name)
        self._metadata = collection_metadata
        self._collection = self._opened()

    @classmethod
    def from_texts(cls, texts: Any, embedding: Any, metadatas: Any = None, ids: Any = None, **options: Any) -> "Chroma":
        made = cls(embedding_function=embedding, **options)
        made.add_texts(texts, metadatas, ids)
        return made

    @classmethod
    def from_documents(cls, documents: Sequence[Document], embedding: Any, ids: Any = None, **options: Any) -> "Chroma":
        texts, rows = [each.page_content for each in documents], [each.metadata for each in documents]
        return cls.from_texts(texts, embedding, rows, ids, **options)

    def __getattr__(self, name: str) -> Any:
        """`aadd_texts`, `asimilarity_search` and the other asynchronous twins; nothing else."""
        if name.startswith("a") and hasattr(type(self), name[1:]):

            async def twin(*values: Any, **named: Any) -> Any:
                return await asyncio.to_thread(getattr(self, name[1:]), *values, **named)

            return twin
        raise AttributeError(f"The stand-in for Chroma has no {name}().")

    @property
    def embeddings(self) -> Any:
        return self._embedding_function

    def add_texts(self, texts: Any, metadatas: Any = None, ids: Any = None, **_: Any) -> list[str]:
        """Add or change texts, with flat metadata; gives their ids."""
        texts = list(texts)
        keys = list(ids) if ids is not None else [self.fresh_id() for _ in texts]
        self._collection.upsert(keys, self._embed(texts), metadatas, texts)
        return keys

    def add_documents(self, documents: Sequence[Document], ids: Any = None, **_: Any) -> list[str]:
        keys = ids or [each.id or self.fresh_id() for each in documents]
        return self.add_texts([each.page_content for each in documents], [each.metadata for each in documents], keys)

    def update_document(self, document_id: str, document: Document) -> None:
        self.update_documents([document_id], [document])

    def update_documents(self, ids: Sequence[str], documents: Sequence[Document]) -> None:
        texts, rows = [each.page_content for each in documents], [each.metadata for each in documents]
        self._collection.update(ids, self._embed(texts), rows, texts)

    def delete(self, ids: Any = None, **filters: Any) -> None:
        self._collection.delete(ids, **filters)

    def get(self, ids: Any = None, where: Any = None, limit: Any = None, offset: Any = None, **more: Any) -> Any:
        """See `Collection.get`."""
        return self._collection.get(ids, where, limit, offset, **more)

    def get_by_ids(self, ids: Any, /) -> list[Document]:
        found = self.get(list(ids))
        return [self._document(key) for key in found["ids"]]

    def similarity_search(self, query: str, k: int = 4, filter: Any = None, **more: Any) -> list[Document]:  # noqa: A002
        """The `k` nearest documents; `filter` is over metadata."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **more)]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Any = None,  # noqa: A002
        **more: Any,
    ) -> list[tuple[Document, float]]:
        """With distances: smaller is nearer."""
        vector = self._embed([query])[0]
        return self.similarity_search_by_vector_with_relevance_scores(vector, k, filter, **more)

    def similarity_search_by_vector(
        self,
        embedding: Any,
        k: int = 4,
        filter: Any = None,  # noqa: A002
        **more: Any,
    ) -> list[Document]:
        found = self.similarity_search_by_vector_with_relevance_scores(embedding, k, filter, **more)
        return [document for document, _ in found]

    def similarity_search_by_vector_with_relevance_scores(
        self,
        embedding: Any,
        k: int = 4,
        filter: Any = None,  # noqa: A002
        where_document: Any = None,
        **_: Any,
    ) -> list[tuple[Document, float]]:
        """With distances, in spite of its name, as in the original."""
        found = self._collection.nearest(embedding, k, filter, where_document)
        return [(self._document(key), distance) for key, distance in found]

    def similarity_search_with_relevance_scores(
        self, query: str, k: int = 4, score_threshold: float | None = None, **more: Any
    ) -> list[tuple[Document, float]]:
        """With scores: larger is nearer; 1 for the same text."""
        part = 1 / math.sqrt(2) if self._collection.space == "l2" else 1.0
        found = self.similarity_search_with_score(query, k, **more)
        scored = [(document, 1 - distance * part) for document, distance in found]
        return [pair for pair in scored if score_threshold is None or pair[1] >= score_threshold]

    def delete_collection(self) -> None:
        self.collections.pop(self._key, None)
        self._collection = self._opened()

    def reset_collection(self) -> None:
        self.delete_collection()

    def as_retriever(self, search_kwargs: Mapping[str, Any] | None = None, **_: Any) -> Any:
        """What gives documents with `invoke(query)`, or `await ainvoke(query)`."""
        given = dict(search_kwargs or {})
        invoke = lambda query: self.similarity_search(query, **given)  # noqa: E731 - three names for one thing
        return SimpleNamespace(
            invoke=invoke, get_relevant_documents=invoke, ainvoke=lambda query: asyncio.to_thread(invoke, query)
        )

    def _opened(self) -> Collection:
        if self._key not in self.collections:
            self.collections[self._key] = Collection(self._key[1], self._embed, self._metadata)
        return self.collections[self._key]

    def _embed(self, texts: Any) -> Any:
        if self._embedding_function is None:
            raise ValueError("Chroma was made without an embedding_function.")
        return self._embedding_function.embed_documents(list(texts))

    def _document(self, key: str) -> Document:
        row = self._collection.get([key])
        return Document(row["documents"][0], row["metadatas"][0] or {}, key)


class Client:
    """`chromadb.Client`: collections by name. Without an embedding function texts are embedded by the host."""

    collections: ClassVar[dict[tuple[str, str], Collection]]
    embed: ClassVar[Any]

    def __init__(self, *_: Any, path: str = "", **options: Any) -> None:  # noqa: ARG002
        self._path = path

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"The stand-in for chromadb.Client has no {name}().")

    def create_collection(
        self, name: str, metadata: Any = None, embedding_function: Any = None, *, get_or_create: bool = False, **_: Any
    ) -> Collection:
        """Raises `ValueError` where there is one of this name."""
        key = (self._path, name)
        if key in self.collections and not get_or_create:
            raise ValueError(f"Collection [{name}] already exists")
        return self.collections.setdefault(key, Collection(name, embedding_function or self.embed, metadata))

    def get_or_create_collection(self, name: str, *values: Any, **named: Any) -> Collection:
        return self.create_collection(name, *values, get_or_create=True, **named)

    def get_collection(self, name: str, **_: Any) -> Collection:
        if (self._path, name) not in self.collections:
            raise ValueError(f"Collection [{name}] does not exist")
        return self.collections[self._path, name]

    def list_collections(self) -> list[Collection]:
        return [each for (path, _), each in self.collections.items() if path == self._path]

    def delete_collection(self, name: str) -> None:
        self.collections.pop((self._path, name), None)
