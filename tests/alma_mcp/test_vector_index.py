"""The vector index: exact while small, a graph that takes over in steps, a saved graph never believed blindly."""

import numpy as np
import pytest

from alma_mcp import vector_index
from alma_mcp.vector_index import VectorIndex
from alma_mcp.worker_toolkit import DesignToolkit

DIMENSION = 24


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 400)
    monkeypatch.setattr(vector_index, "STEP", 100)


def vectors(count: int, seed: int = 0):
    made = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def filled(made, batch: int = 50) -> VectorIndex:
    index = VectorIndex(DIMENSION)
    for first in range(0, len(made), batch):
        for key in range(first, min(first + batch, len(made))):
            index.add(key, key, made[key])
        index.settle(batch)
    return index


def recall(index: VectorIndex, made, alive, count: int = 10) -> float:
    hits = 0
    for query in vectors(50, seed=9):
        scores = {key: float(made[key] @ query) for key in alive}
        best = sorted(scores, key=scores.get, reverse=True)[:count]
        hits += len(set(best) & {key for key, _ in index.search(query, count)})
    return hits / (50 * count)


def test_a_small_index_is_exact():
    made = vectors(300)
    assert recall(filled(made), made, range(300)) == 1.0


def test_a_large_index_finds_nearly_all_true_neighbours():
    made = vectors(2000)
    assert recall(filled(made), made, range(2000)) >= 0.98


def test_removed_vectors_are_not_found_wherever_they_lay():
    made = vectors(1000)
    index = filled(made)
    for key in range(0, 1000, 5):
        index.remove(key)
    alive = [key for key in range(1000) if key % 5]
    assert len(index) == 800
    assert recall(index, made, alive) >= 0.98
    assert not any(key % 5 == 0 for key, _ in index.search(made[5], 50))


def test_a_vector_that_was_replaced_is_found_at_its_new_place_only():
    made = vectors(1000)
    index = filled(made)
    index.add(7, 70, -made[7])
    assert index.search(-made[7], 1)[0][0] == 7
    assert index.search(made[7], 1)[0][0] != 7


def test_a_saved_graph_serves_the_vectors_that_are_still_the_same(tmp_path):
    made = vectors(1000)
    filled(made).save(tmp_path, "ideas")
    index = VectorIndex(DIMENSION)
    index.load(tmp_path, "ideas", {key: key for key in range(1000) if key != 3} | {4: 44})
    assert 3 not in index.entries
    assert 4 not in index.entries
    assert index.search(made[5], 1)[0][0] == 5


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("file", ["ideas.graph", "ideas.entries"])
def test_a_damaged_saved_graph_is_as_good_as_none(tmp_path, file, share):
    filled(vectors(1000)).save(tmp_path, "ideas")
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: int(share * len(whole))])
    index = VectorIndex(DIMENSION)
    index.load(tmp_path, "ideas", {key: key for key in range(1000)})
    assert len(index) == 0


def test_an_index_says_when_it_is_worn():
    made = vectors(1000)
    index = filled(made)
    assert not index.worn
    for key in range(300, 1000):
        index.remove(key)
    assert index.worn


@pytest.mark.parametrize("file", ["vectors_ideas.graph", "vectors_ideas.entries"])
def test_a_memory_whose_saved_graph_was_cut_in_half_finds_all_that_it_found_before(tmp_path, file):
    made = vectors(1000)
    toolkit = opened(tmp_path)
    for first in range(0, 1000, 250):
        with toolkit.transaction(0.0, first + 1):
            toolkit.vectors("ideas").add(range(first, first + 250), made[first : first + 250])
    toolkit.close()
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2])
    again = opened(tmp_path)
    with again.turn(0.0, 1000, writes=False):
        assert all(again.vectors("ideas").search(made[key], 1)[0][0] == key for key in range(0, 1000, 7))
    again.close()


def test_a_memory_takes_from_its_saved_graph_only_what_the_database_still_says(tmp_path):
    made = vectors(1000)
    toolkit = opened(tmp_path)
    for first in range(0, 1000, 250):
        with toolkit.transaction(0.0, first + 1):
            toolkit.vectors("ideas").add(range(first, first + 250), made[first : first + 250])
    with toolkit.transaction(0.0, 1001):
        toolkit.vectors("ideas").remove([3])
        toolkit.vectors("ideas").add([4], -made[4:5])
    toolkit.close()
    again = opened(tmp_path)
    with again.turn(0.0, 1001, writes=False):
        ideas = again.vectors("ideas")
        assert ideas.search(made[3], 1)[0][0] != 3
        assert ideas.search(-made[4], 1)[0][0] == 4
        assert len(ideas._table.index()) == 999
    again.close()


def opened(folder) -> DesignToolkit:
    async def ask(what, params):
        raise AssertionError("a vector index asks nobody")

    return DesignToolkit(folder, "seed", ask)


def test_a_key_that_lies_twice_in_the_graph_is_removed_where_it_lives():
    made = vectors(1200)
    index = filled(made[:1000])
    for key in range(100):
        index.add(key, 5000 + key, made[1000 + key])
    index.settle(100)
    for key in range(100):
        index.remove(key)
    assert len(index) == 900
    assert not {key for key, _ in index.search(made[1050], 50)} & set(range(100))
    assert not {key for key, _ in index.search(made[50], 50)} & set(range(100))
