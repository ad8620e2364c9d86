"""Text to vectors: one warm model for everybody.

An embedder loads its model at the first use, in a thread; nothing waits for it before.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alma_mcp.contract import Unavailable
from alma_mcp.errors import BadRequest
from alma_mcp.frames import clean
from alma_mcp.models import ModelFiles, find_model

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

MAX_TOKENS = 256
MAX_CHARACTERS = 4096
REMEMBERED_TEXTS = 4096
SLICE = 8
SENTENCE_TRANSFORMERS = "sentence-transformers:"


class Embedder(Protocol):
    """Turns texts into vectors. Loads by itself; `state` says for a person how far it is."""

    name: str
    dimension: int

    @property
    def state(self) -> str: ...

    async def load(self) -> None:
        """Make ready now. Raises `Unavailable` with a sentence."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 unit vectors, shape (len(texts), dimension). Raises `Unavailable`."""


class LocalEmbedder:
    """A model in this process: loaded once, run in threads, recent texts remembered.

    A text's vector depends on that text alone, never on its neighbours in a batch, so
    that replaying a log gives the same memory to the last bit.
    """

    def __init__(self, name: str, dimension: int, load: Callable[[], Encode]) -> None:
        self.name = name
        self.dimension = dimension
        self._load = load
        self._encode: Encode | None = None
        self._problem = ""
        self._loading = asyncio.Lock()
        self._bulk = asyncio.Lock()
        self._recent: OrderedDict[bytes, Vectors] = OrderedDict()

    @property
    def state(self) -> str:
        if self._problem:
            return f"unavailable: {self._problem}"
        if self._encode:
            return f"{self.name}, ready"
        return f"{self.name}, loading" if self._loading.locked() else f"{self.name}, loaded at first use"

    async def load(self) -> None:
        await self._loaded()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        encode = await self._loaded()
        cut = [clean(text[:MAX_CHARACTERS]) for text in texts]
        keys = [hashlib.sha256(text.encode()).digest() for text in cut]
        wanted = {key: text for key, text in zip(keys, cut, strict=True) if key not in self._recent}
        found = {key: self._recent[key] for key in keys if key in self._recent}
        if len(wanted) > SLICE:
            async with self._bulk:  # one long list at a time, so that a short one finds a free core
                found |= await self._encoded(encode, wanted)
        elif wanted:
            found |= await self._encoded(encode, wanted)
        self._remember(found)
        return np.array([found[key] for key in keys], dtype=np.float32).reshape(len(keys), self.dimension)

    async def _encoded(self, encode: Encode, wanted: dict[bytes, str]) -> dict[bytes, Vectors]:
        keys, texts = list(wanted), list(wanted.values())
        vectors: list[Vectors] = []
        for start in range(0, len(texts), SLICE):
            vectors.extend(await asyncio.to_thread(encode, texts[start : start + SLICE]))
        return dict(zip(keys, vectors, strict=True))

    async def _loaded(self) -> Encode:
        async with self._loading:
            if self._encode is None:
                try:
                    self._encode = await asyncio.to_thread(self._load)
                except Unavailable as reason:
                    self._problem = str(reason)
                    raise
                self._problem = ""
            return self._encode

    def _remember(self, found: dict[bytes, Vectors]) -> None:
        for key, vector in found.items():
            self._recent[key] = vector
            self._recent.move_to_end(key)
        while len(self._recent) > REMEMBERED_TEXTS:
            self._recent.popitem(last=False)


class OnnxEmbedder(LocalEmbedder):
    """all-MiniLM-L6-v2 with int8 weights on ONNX Runtime: 384 dimensions, English, no PyTorch."""

    def __init__(self, find: Callable[[], ModelFiles] = find_model) -> None:
        super().__init__("all-MiniLM-L6-v2-int8", 384, lambda: load_onnx(find()))


class SentenceTransformerEmbedder(LocalEmbedder):
    """Any model of sentence-transformers, by name or folder; wants the extra of that name."""

    def __init__(self, model: str, dimension: int = 384) -> None:
        super().__init__(model, dimension, self._open)

    def _open(self) -> Encode:
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra, and seconds to import
        except ImportError as error:
            raise Unavailable("run `pip install 'alma-mcp[sentence-transformers]'` for this embedder") from error
        try:
            model = SentenceTransformer(self.name, device="cpu")
        except (OSError, ValueError) as error:
            raise Unavailable(f"sentence-transformers cannot load {self.name}: {error}") from error
        self.dimension = int(model.get_sentence_embedding_dimension())

        def encode(texts: Sequence[str]) -> Vectors:
            rows = [model.encode(text, normalize_embeddings=True, show_progress_bar=False) for text in texts]
            return np.asarray(rows, dtype=np.float32)

        return encode


def make_embedder(setting: str) -> Embedder | None:
    """The embedder of a setting: `onnx`, `none`, or `sentence-transformers:MODEL`. Raises `BadRequest`."""
    match setting:
        case "onnx":
            return OnnxEmbedder()
        case "none":
            return None
        case _ if setting.startswith(SENTENCE_TRANSFORMERS) and len(setting) > len(SENTENCE_TRANSFORMERS):
            return SentenceTransformerEmbedder(setting.removeprefix(SENTENCE_TRANSFORMERS))
        case _:
            raise BadRequest(f'`embedder` must be "onnx", "none" or "{SENTENCE_TRANSFORMERS}MODEL", not {setting!r}.')


def load_onnx(files: ModelFiles) -> Encode:
    """A function that encodes texts one by one: mean of the token vectors, brought to length 1."""
    tokenizer = _tokenizer(files)
    session = _session(files)

    def encode_one(text: str) -> Vectors:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        mask = np.ones_like(ids)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        mean = session.run(None, {name: feeds[name] for name in names})[0][0].mean(axis=0)
        vector: Vectors = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
        return vector

    names = [each.name for each in session.get_inputs()]
    return lambda texts: np.stack([encode_one(text) for text in texts])


def _tokenizer(files: ModelFiles) -> Any:
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415 - loaded with the model, not with the server

    tokenizer = BertWordPieceTokenizer(str(files.vocabulary), lowercase=True)
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _session(files: ModelFiles) -> Any:
    import onnxruntime as ort  # noqa: PLC0415 - loaded with the model, not with the server

    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(files.weights), options, providers=["CPUExecutionProvider"])
