import asyncio
from pathlib import Path

import numpy as np
import pytest

from alma_mcp import models
from alma_mcp.contract import Unavailable
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.embedders.onnx import OnnxEmbedder
from alma_mcp.embedders.sentence_transformers import SentenceTransformerEmbedder
from alma_mcp.embedders.threads import in_thread
from alma_mcp.embedders.warm import Model, WarmEmbedder
from alma_mcp.embedding import make_embedder
from alma_mcp.errors import BadRequest
from alma_mcp.models import ModelFiles, check_file, find_model

PARAPHRASES = (
    ("The program dies when the disk is full.", "Application terminates if no storage space is left."),
    ("How can I speed up the tests?", "Ways to make the test suite run faster"),
    ("She paints the fence green.", "A woman is colouring the railing."),
)


@pytest.fixture(scope="module")
def embedder():
    return OnnxEmbedder()


class Counting:
    """A model that counts what it is asked, and can be held back."""

    def __init__(self) -> None:
        self.loads = 0
        self.texts: list[str] = []

    async def open(self) -> Model:
        self.loads += 1
        return Model("1", 4, in_thread(self.encode))

    def encode(self, texts):
        self.texts.extend(texts)
        return np.ones((len(texts), 4), dtype=np.float32) / 2


def slow(encode) -> WarmEmbedder:
    async def opened() -> Model:
        return Model("", 4, in_thread(encode))

    return WarmEmbedder("slow", opened)


async def test_vectors_have_unit_length_and_the_promised_shape(embedder):
    vectors = await embedder.embed(["a short text", "x", "", "🦆", "w " * 5000])
    assert vectors.shape == (5, embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


async def test_texts_of_like_meaning_are_nearest(embedder):
    left = await embedder.embed([one for one, _ in PARAPHRASES])
    right = await embedder.embed([other for _, other in PARAPHRASES])
    assert (left @ right.T).argmax(axis=1).tolist() == [0, 1, 2]


async def test_a_vector_does_not_depend_on_its_neighbours():
    alone = await OnnxEmbedder().embed(["the harbour branch"])
    among = await OnnxEmbedder().embed(["something much longer " * 20, "the harbour branch", "x"])
    assert np.array_equal(alone[0], among[1])


async def test_upper_case_and_lone_surrogates_are_no_obstacle(embedder):
    upper, lower, broken = await embedder.embed(["HARBOUR", "harbour", "harbour \ud800"])
    assert np.array_equal(upper, lower)
    assert np.isfinite(broken).all()


async def test_no_texts_give_no_vectors(embedder):
    assert (await embedder.embed([])).shape == (0, embedder.dimension)


async def test_a_text_is_encoded_once():
    model = Counting()
    embedder = WarmEmbedder("counting", model.open)
    await embedder.embed(["a", "b", "a"])
    await embedder.embed(["b", "c"])
    assert model.texts == ["a", "b", "c"]


async def test_the_model_is_loaded_once_and_only_when_it_is_wanted():
    model = Counting()
    embedder = WarmEmbedder("counting", model.open)
    assert (model.loads, embedder.state) == (0, "counting, loaded at first use")
    await asyncio.gather(*(embedder.embed([str(number)]) for number in range(5)))
    assert (model.loads, embedder.state) == (1, "counting, ready")


async def test_equal_texts_that_are_asked_at_once_are_encoded_once():
    model = Counting()
    embedder = WarmEmbedder("counting", model.open)
    asked = await asyncio.gather(*(embedder.embed(["query", str(number % 2)]) for number in range(6)))
    assert sorted(model.texts) == ["0", "1", "query"]
    assert {vectors.shape for vectors in asked} == {(2, 4)}


async def test_who_gives_up_waiting_takes_nothing_from_who_asked_the_same():
    go_on = asyncio.Event()

    async def encode(texts):
        await go_on.wait()
        return np.ones((len(texts), 4), dtype=np.float32) / 2

    async def opened() -> Model:
        return Model("", 4, encode)

    embedder = WarmEmbedder("held", opened)
    impatient, patient = (asyncio.create_task(embedder.embed(["query"])) for _ in range(2))
    while not embedder._coming:
        await asyncio.sleep(0)
    impatient.cancel()
    go_on.set()
    assert (await patient).shape == (1, 4)
    assert not embedder._coming


async def test_what_just_failed_is_not_asked_again_at_once_but_loading_tries():
    tries = 0

    async def opened() -> Model:
        nonlocal tries
        tries += 1
        raise Unavailable("the endpoint is down")

    embedder = WarmEmbedder("down", opened)
    for _ in range(5):
        with pytest.raises(Unavailable, match="down"):
            await embedder.embed(["a"])
    assert tries == 1
    with pytest.raises(Unavailable):
        await embedder.load()
    assert tries == 2


async def test_the_loop_goes_on_while_the_model_works():
    loop = asyncio.get_running_loop()
    turned = asyncio.Event()

    def encode(texts):
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(turned.wait(), 10), loop).result()
        return np.ones((len(texts), 4), dtype=np.float32) / 2

    working = asyncio.create_task(slow(encode).embed(["a"]))
    await asyncio.sleep(0)
    turned.set()
    assert (await working).shape == (1, 4)


async def test_a_query_does_not_wait_for_a_long_list():
    loop = asyncio.get_running_loop()
    begun, go_on = asyncio.Event(), asyncio.Event()

    def encode(texts):
        if texts[0].startswith("long"):
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(asyncio.wait_for(go_on.wait(), 10), loop).result()
        return np.ones((len(texts), 4), dtype=np.float32) / 2

    embedder = slow(encode)
    long = asyncio.create_task(embedder.embed([f"long {number}" for number in range(50)]))
    await begun.wait()
    await asyncio.wait_for(embedder.embed(["query"]), 10)
    assert not long.done()
    go_on.set()
    assert (await long).shape == (50, 4)


async def test_a_model_that_cannot_be_had_is_unavailable_and_the_state_says_why():
    def nowhere() -> ModelFiles:
        raise Unavailable("the sentence model is not installed")

    embedder = OnnxEmbedder(nowhere)
    with pytest.raises(Unavailable, match="not installed"):
        await embedder.embed(["a"])
    assert embedder.state.endswith("is unavailable, memory works by words: the sentence model is not installed")


def test_the_model_that_set_up_installs_is_the_one_that_was_checked(capsys):
    assert find_model().weights.is_file()
    assert models.main() == 0
    assert "checked by hash" in capsys.readouterr().err


def test_a_file_with_other_bytes_is_refused_also_when_it_changes_later(tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"good")
    good = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c"
    check_file(path, good, "repair it")
    path.write_bytes(b"bad!!")
    with pytest.raises(Unavailable, match="not the one that was checked"):
        check_file(path, good, "repair it")
    path.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        check_file(path, good, "repair it")


def test_a_missing_package_is_said_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(models, "PACKAGE", "no_such_package_of_weights")
    assert models.main() == 1
    assert "by words alone" in capsys.readouterr().err


async def test_sentence_transformers_asks_for_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(Unavailable, match=r"alma-mcp\[sentence-transformers\]"):
        await SentenceTransformerEmbedder("some/model").load()


def test_settings_name_an_embedder():
    assert isinstance(make_embedder("none"), NoEmbedder)
    assert isinstance(make_embedder("onnx"), OnnxEmbedder)
    assert isinstance(make_embedder("sentence-transformers:some/model"), SentenceTransformerEmbedder)
    for wrong in ("", "gpt", "sentence-transformers:"):
        with pytest.raises(BadRequest, match="`embedder` must be"):
            make_embedder(wrong)
