"""The other ways to have an embedder: a folder, a model hub, an endpoint. Loopback only."""

import asyncio
import hashlib
import http.server
import json
import shutil
import threading

import numpy as np
import pytest

from alma_mcp.contract import Unavailable
from alma_mcp.embedders.hub import HubEmbedder, HubModel
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.embedders.onnx import OnnxEmbedder
from alma_mcp.embedders.openai import OpenAIEmbedder
from alma_mcp.embedding import make_embedder
from alma_mcp.errors import BadRequest
from alma_mcp.models import find_model

COMMIT = "a" * 40


@pytest.fixture
def folder(tmp_path):
    """A folder of a user's with a model in it."""
    files, folder = find_model(), tmp_path / "mine"
    folder.mkdir()
    shutil.copy(files.weights, folder / "model.onnx")
    shutil.copy(files.tokenizer, folder / "vocab.txt")
    return folder


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


async def test_a_folder_of_ones_own_gives_the_same_vectors_as_the_same_model_elsewhere(folder):
    embedder = make_embedder(f"onnx:{folder}")
    bundled = OnnxEmbedder()
    assert (embedder.dimension, embedder.identity) == (0, "")
    assert np.array_equal(await embedder.embed(["a text"]), await bundled.embed(["a text"]))
    assert embedder.dimension == 384
    assert embedder.identity != bundled.identity
    assert embedder.identity.startswith("mine 384 ")


async def test_a_tokenizer_file_is_cut_at_our_length_and_not_at_its_own(folder):
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(folder / "tokenizer.json"))
    long = "the harbour is closed until the storm is over"
    (found,) = await make_embedder(f"onnx:{folder}").embed([long])
    (expected,) = await OnnxEmbedder().embed([long])
    assert np.array_equal(found, expected)


async def test_another_model_in_the_folder_has_another_identity(folder):
    first, second = make_embedder(f"onnx:{folder}"), make_embedder(f"onnx:{folder}")
    await first.load()
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "zyzzyva\n")
    await second.load()
    assert first.identity != second.identity


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "must hold model.onnx"),
        (lambda folder: (folder / "vocab.txt").unlink(), "must hold model.onnx"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"no model"), "is no sentence model"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "is no sentence model"),
    ],
)
async def test_a_folder_without_a_model_is_said_in_a_sentence(folder, spoil, sentence):
    spoil(folder)
    embedder = make_embedder(f"onnx:{folder}")
    with pytest.raises(Unavailable, match=sentence):
        await embedder.load()
    assert "memory works by words" in embedder.state


class Server:
    """A loopback server whose answer a test decides: `answer(handler)`."""

    def __init__(self, answer) -> None:
        self.requests: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                answer(self)

            def do_POST(self):
                self.body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append(self.path)
                answer(self)

            def send(self, status: int, body: bytes, length: int | None = None) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def serve():
    servers = []

    def start(answer) -> Server:
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


@pytest.fixture
def hub(serve, folder):
    """A model hub with one model, at one commit."""
    from tokenizers import BertWordPieceTokenizer

    BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True).save(str(folder / "tokenizer.json"))
    files = {"onnx/model.onnx": folder / "model.onnx", "tokenizer.json": folder / "tokenizer.json"}

    def answer(handler):
        path = files.get(handler.path.removeprefix(f"/who/what/resolve/{COMMIT}/"))
        handler.send(200, path.read_bytes()) if path else handler.send(404, b"")

    server = serve(answer)
    server.sha256 = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    return server


async def test_a_pinned_model_is_downloaded_once_and_answers_like_any_other(hub, tmp_path):
    setting = f"hub:who/what@{COMMIT}#{hub.sha256}"
    first = make_embedder(setting, hub=hub.url, models=tmp_path / "models")
    with pytest.raises(Unavailable, match="loaded at first use"):
        await first.embed(["nobody waits for a download"])
    assert hub.requests == []
    await first.load()
    expected = await OnnxEmbedder().embed(["a text"])
    assert np.array_equal(await first.embed(["a text"]), expected)
    assert "ready" in first.state
    again = make_embedder(setting, hub=hub.url, models=tmp_path / "models", offline=True)
    assert np.array_equal(await again.embed(["a text"]), expected)
    assert again.identity == first.identity
    assert len(hub.requests) == 2


async def test_bytes_of_another_hash_are_never_kept(hub, tmp_path):
    wrong = HubEmbedder(HubModel("who/what", COMMIT, "0" * 64), tmp_path / "models", hub.url)
    with pytest.raises(Unavailable, match="has not the SHA-256"):
        await wrong.load()
    assert not list((tmp_path / "models").rglob("*.onnx"))
    assert not list((tmp_path / "models").rglob("*.part"))
    assert "memory works by words" in wrong.state


async def test_a_file_that_is_exchanged_after_the_download_is_refused(hub, tmp_path):
    model = HubModel("who/what", COMMIT, hub.sha256)
    await HubEmbedder(model, tmp_path / "models", hub.url).load()
    (stored,) = (tmp_path / "models").rglob("model.onnx")
    stored.write_bytes(b"something else")
    with pytest.raises(Unavailable, match="not the one that was checked"):
        await HubEmbedder(model, tmp_path / "models", hub.url).load()


async def test_a_download_tells_how_far_it_is_and_can_be_broken_off(serve, tmp_path):
    go_on = threading.Event()

    def answer(handler):
        if handler.path.endswith("tokenizer.json"):
            handler.send(200, b"{}")
            return
        handler.send(200, b"x" * 3_000_000, length=9_000_000)
        go_on.wait(10)

    server = serve(answer)
    embedder = HubEmbedder(HubModel("who/what", COMMIT, "0" * 64), tmp_path / "models", server.url)
    loading = asyncio.create_task(embedder.load())
    async with asyncio.timeout(10):
        while "downloading: 2 of 9 MB" not in embedder.state:
            await asyncio.sleep(0.01)
    with pytest.raises(Unavailable, match="downloading: 2 of 9 MB"):
        await embedder.embed(["a query"])
    go_on.set()
    with pytest.raises(Unavailable, match=r"ended 6,000,000 bytes early"):
        await loading


@pytest.mark.parametrize("address", ["http://example.org", "ftp://127.0.0.1", "file:///etc"])
async def test_a_hub_without_https_is_refused(tmp_path, address):
    embedder = HubEmbedder(HubModel("who/what", COMMIT, "0" * 64), tmp_path / "models", address)
    with pytest.raises(Unavailable, match="must be an https address"):
        await embedder.load()


async def test_offline_a_hub_is_not_asked(hub, tmp_path):
    embedder = HubEmbedder(HubModel("who/what", COMMIT, hub.sha256), tmp_path / "models", hub.url, offline=True)
    with pytest.raises(Unavailable, match="not on this machine"):
        await embedder.load()
    assert hub.requests == []


def embeddings(handler, dimension: int = 3, order=reversed):
    """What an OpenAI-compatible endpoint answers: longer texts give longer first numbers, in any order."""
    texts = handler.body["input"]
    rows = [
        {"object": "embedding", "index": i, "embedding": [len(t), *[1] * (dimension - 1)]} for i, t in enumerate(texts)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    answer = {"object": "list", "data": list(order(rows)), "model": "m", "usage": usage}
    handler.send(200, json.dumps(answer).encode())


async def test_an_endpoint_is_asked_in_batches_and_its_order_and_length_are_put_right(serve):
    seen = []

    def answer(handler):
        seen.append((handler.headers["authorization"], handler.body))
        embeddings(handler)

    server = serve(answer)
    embedder = OpenAIEmbedder("m", f"{server.url}/v1", "secret", pause=0)
    assert seen == []
    texts = ["x" * number for number in range(300)]
    vectors = await embedder.embed(texts)
    assert embedder.dimension == 3
    assert vectors.shape == (300, 3)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.all(np.diff(vectors[1:, 0] / vectors[1:, 1]) > 0)
    assert [len(body["input"]) for _, body in seen] == [1, 128, 128, 44]
    assert {(key, body["model"]) for key, body in seen} == {("Bearer secret", "m")}
    assert all(text for _, body in seen for text in body["input"])


@pytest.mark.parametrize("statuses", [[429], [500, 503]])
async def test_a_passing_failure_of_an_endpoint_is_tried_again(serve, statuses):
    def answer(handler):
        handler.send(statuses.pop(0), b"{}") if statuses else embeddings(handler)

    embedder = OpenAIEmbedder("m", serve(answer).url, "", pause=0)
    assert (await embedder.embed(["a"])).shape == (1, 3)


async def test_a_refused_key_is_a_sentence_and_is_not_tried_again(serve):
    server = serve(lambda handler: handler.send(401, b"{}"))
    embedder = OpenAIEmbedder("m", server.url, "wrong", pause=0)
    with pytest.raises(Unavailable, match="refused the key; set ALMA_MCP_API_KEY"):
        await embedder.embed(["a"])
    assert len(server.requests) == 1


@pytest.mark.parametrize("spoilt", [lambda rows: rows[:-1], lambda rows: [{**rows[0], "embedding": [1]}, *rows[1:]]])
async def test_an_answer_that_does_not_fit_the_question_is_unavailable(serve, spoilt):
    def answer(handler):
        embeddings(handler, order=spoilt if len(handler.body["input"]) > 1 else list)

    embedder = OpenAIEmbedder("m", serve(answer).url, "", pause=0)
    with pytest.raises(Unavailable, match="failed"):
        await embedder.embed(["a", "b"])


async def test_an_endpoint_that_goes_away_says_so_and_is_asked_again_later(serve):
    down = False

    def answer(handler):
        handler.send(400, b"{}") if down else embeddings(handler)

    server = serve(answer)
    embedder = OpenAIEmbedder("m", server.url, "", pause=0)
    await embedder.embed(["a"])
    down = True
    with pytest.raises(Unavailable):
        await embedder.embed(["b"])
    assert "failing" in embedder.state
    down, embedder._rested = False, 0.0
    await embedder.embed(["b"])
    assert embedder.state.endswith("ready")


async def test_what_was_chosen_before_is_never_sent_anything():
    old = make_embedder("openai:m", base_url="http://127.0.0.1:1", offline=True)
    assert isinstance(old, NoEmbedder)
    with pytest.raises(Unavailable, match="not asked any more"):
        await old.embed(["a"])


@pytest.mark.parametrize(
    "wrong",
    [
        "onnx:",
        "openai:",
        "hub:",
        "hub:who/what",
        f"hub:who/what@{COMMIT}",
        f"hub:who/what@main#{'0' * 64}",
        f"hub:../../etc@{COMMIT}#{'0' * 64}",
        f"hub:who/what@{COMMIT}#{'0' * 63}",
        "none:x",
        "word2vec",
    ],
)
def test_a_setting_that_names_no_embedder_is_refused_in_a_sentence(wrong):
    with pytest.raises(BadRequest, match="`embedder` must be"):
        make_embedder(wrong)
