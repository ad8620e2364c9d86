"""The stand-in for Chroma answers as langchain-chroma 1.1 over chromadb 1.5 did when it was asked the same."""

import pytest

from evolve.upstream.adapter.chroma import Chroma, Client, Document

PLACE = {"one": (1.0, 0.0), "two": (-1.0, 0.0), "three": (0.0, 1.0), "four": (0.6, 0.8)}
ROWS = [{"n": 1, "ok": True, "f": 1.0, "s": "x"}, {"n": 2, "ok": False}, {}, {"n": 4}]


class OnACircle:
    def embed_documents(self, texts):
        return [PLACE.get(text, (0.0, -1.0)) for text in texts]


@pytest.fixture
def kinds():
    """`Chroma` and `Client` over collections of this test's own."""
    shared = {"collections": {}, "embed": lambda _, texts: OnACircle().embed_documents(texts)}
    return type("Chroma", (Chroma,), shared), type("Client", (Client,), shared)


@pytest.fixture
def database(kinds):
    made = kinds[0](embedding_function=OnACircle())
    made.add_texts(list(PLACE), ROWS, list(PLACE))
    return made


def test_stores_without_a_name_share_what_they_hold(database, kinds):
    assert kinds[0](embedding_function=OnACircle())._collection.count() == 4
    assert kinds[0]("other", OnACircle()).get()["ids"] == []


def test_distances_are_squared_and_smaller_is_nearer(database):
    found = database.similarity_search_with_score("one", k=10)
    assert [(each.page_content, round(distance, 6)) for each, distance in found] == [
        ("one", 0.0),
        ("four", 0.8),
        ("three", 2.0),
        ("two", 4.0),
    ]
    assert found[1][0] == Document("four", {"n": 4}, "four")


def test_relevance_is_one_for_the_same_text_and_falls_with_the_distance(database):
    found = database.similarity_search_with_relevance_scores("one", k=4)
    assert [round(score, 4) for _, score in found] == [1.0, 0.4343, -0.4142, -1.8284]
    assert len(database.similarity_search_with_relevance_scores("one", score_threshold=0.4)) == 2


def test_a_collection_can_be_of_cosine_distances(kinds):
    made = kinds[0]("angles", OnACircle(), collection_metadata={"hnsw:space": "cosine"})
    made.add_texts(["one", "two", "three"])
    assert [distance for _, distance in made.similarity_search_with_score("one")] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"n": 1}, ["one"]),
        ({"n": 1.0}, ["one"]),
        ({"ok": True}, ["one"]),
        ({"ok": 1}, []),
        ({"n": {"$ne": 1}}, ["two", "three", "four"]),
        ({"n": {"$gt": 1}}, ["two", "four"]),
        ({"n": {"$lte": 2}}, ["one", "two"]),
        ({"n": {"$in": [1, 2]}}, ["one", "two"]),
        ({"n": {"$nin": [1, 2]}}, ["three", "four"]),
        ({"$and": [{"n": 1}, {"ok": True}]}, ["one"]),
        ({"$or": [{"n": 1}, {"s": "y"}, {"n": 4}]}, ["one", "four"]),
    ],
)
def test_filters_are_chromas(database, where, expected):
    assert database.get(where=where)["ids"] == expected
    found = database.similarity_search("one", k=10, filter=where)
    assert sorted(each.page_content for each in found) == sorted(expected)


@pytest.mark.parametrize(
    "where", [{}, {"n": 1, "ok": True}, {"n": {"$lt": 2, "$gt": 0}}, {"n": {"$bad": 1}}, {"n": None}, {"$and": [{}]}]
)
def test_filters_that_chroma_refuses_are_refused(database, where):
    with pytest.raises(ValueError, match="Expected"):
        database.get(where=where)


def test_get_gives_what_is_asked_for_in_the_order_it_came(database):
    found = database.get(ids=["three", "one", "unknown"])
    assert (found["ids"], found["documents"]) == (["one", "three"], ["one", "three"])
    assert found["metadatas"] == [ROWS[0], None]
    assert found["embeddings"] is None
    assert database.get("one", include=["embeddings"])["embeddings"] == [[1.0, 0.0]]
    assert database.get(limit=2, offset=1)["ids"] == ["two", "three"]
    assert database.get(where_document={"$contains": "o"})["ids"] == ["one", "two", "four"]


def test_adding_an_id_again_changes_its_text_and_keeps_other_metadata(database):
    database.add_texts(["uno"], [{"n": 11}], ["one"])
    database.update_document("two", Document("dos", {"n": 22}))
    database.update_document("unknown", Document("nothing"))
    found = database.get(ids=["one", "two"])
    assert found["documents"] == ["uno", "dos"]
    assert found["metadatas"] == [{**ROWS[0], "n": 11}, {"n": 22, "ok": False}]
    assert database._collection.count() == 4


def test_deleting_is_by_id_or_filter(database):
    database.delete(["one", "unknown"])
    database.delete(where={"n": 2})
    assert database.get()["ids"] == ["three", "four"]
    with pytest.raises(ValueError, match="At least one of"):
        database.delete()


@pytest.mark.parametrize(
    "arguments",
    [
        {"texts": ["a"], "metadatas": [{"deep": {"a": 1}}]},
        {"texts": ["a", "b"], "ids": ["x", "x"]},
        {"texts": ["a"], "ids": [1]},
        {"texts": []},
    ],
)
def test_what_chroma_does_not_store_is_not_stored(database, arguments):
    with pytest.raises(ValueError, match="Expected"):
        database.add_texts(**arguments)
    assert database._collection.count() == 4


def test_an_empty_store_finds_nothing(kinds):
    assert kinds[0](embedding_function=OnACircle()).similarity_search("one") == []


async def test_the_asynchronous_twins_are_there_and_other_methods_are_named_as_missing(database):
    await database.aadd_documents([Document("five", {"n": 5})], ids=["five"])
    assert [each.page_content for each in await database.asimilarity_search("two", k=1)] == ["two"]
    assert [each.id for each in database.as_retriever(search_kwargs={"k": 1}).invoke("three")] == ["three"]
    with pytest.raises(AttributeError, match=r"no max_marginal_relevance_search\(\)"):
        database.max_marginal_relevance_search("one")
    with pytest.raises(AttributeError, match=r"no fork\(\)"):
        database._collection.fork()


def test_a_client_has_collections_by_name_and_embeds_by_itself(kinds):
    client = kinds[1]()
    collection = client.get_or_create_collection("places")
    collection.add(["a", "b"], documents=["one", "three"], metadatas=[{"n": 1}, {"n": 2}])
    collection.add(["a"], documents=["two"])
    found = collection.query(query_texts=["one"], n_results=1)
    assert (found["ids"], found["documents"], found["distances"]) == ([["a"]], [["one"]], [[0.0]])
    assert client.get_collection("places") is client.get_or_create_collection("places") is collection
    with pytest.raises(ValueError, match="already exists"):
        client.create_collection("places")
    client.delete_collection("places")
    assert client.list_collections() == []
