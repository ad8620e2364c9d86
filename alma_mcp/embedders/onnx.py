"""Models in ONNX format on ONNX Runtime, without PyTorch: the bundled one, or any folder."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Vectors
from alma_mcp.embedders.threads import in_thread, in_thread_aside
from alma_mcp.embedders.warm import Model, WarmEmbedder
from alma_mcp.models import ModelFiles, find_model

BUNDLED = "all-MiniLM-L6-v2-int8"
MAX_TOKENS = 256
AT_ONCE = 2


class OnnxEmbedder(WarmEmbedder):
    """By default all-MiniLM-L6-v2 with int8 weights: 384 dimensions, English."""

    def __init__(self, find: Callable[[], ModelFiles] = find_model, name: str = BUNDLED) -> None:
        super().__init__(name, lambda: asyncio.to_thread(lambda: load_onnx(find())))


def load_onnx(files: ModelFiles) -> Model:
    """A model that encodes texts one by one: mean of the token vectors, brought to length 1.

    Raises `Unavailable` where the files are no such model.
    """
    try:
        encode = _encoder(files)
        dimension = encode(["dimension"]).shape[1]
    except Unavailable:
        raise
    except Exception as error:
        raise Unavailable(f"{files.weights} with {files.tokenizer} is no sentence model: {_line(error)}") from error
    return Model(files.revision, dimension, in_thread(encode), at_once=AT_ONCE, aside=in_thread_aside(encode), least=1)


def _encoder(files: ModelFiles) -> Callable[[Sequence[str]], Vectors]:
    tokenizer = _tokenizer(files)
    session = _session(files)
    names = [each.name for each in session.get_inputs()]

    def encode_one(text: str) -> Vectors:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        output = session.run(None, {name: feeds[name] for name in names})[0][0]
        pooled = output.mean(axis=0) if output.ndim == 2 else output
        vector: Vectors = (pooled / max(float(np.linalg.norm(pooled)), 1e-12)).astype(np.float32)
        return vector

    unknown = sorted({*names} - {"input_ids", "attention_mask", "token_type_ids"})
    if unknown:
        raise Unavailable(f"{files.weights} wants the input {unknown[0]!r}; choose a model exported for embeddings")
    return lambda texts: np.stack([encode_one(text) for text in texts])


def _tokenizer(files: ModelFiles) -> Any:
    from tokenizers import BertWordPieceTokenizer, Tokenizer  # noqa: PLC0415 - loaded with the model

    tokenizer: Any
    if files.tokenizer.suffix == ".txt":
        tokenizer = BertWordPieceTokenizer(str(files.tokenizer), lowercase=True)
    else:
        tokenizer = Tokenizer.from_file(str(files.tokenizer))
        tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _session(files: ModelFiles) -> Any:
    import onnxruntime as ort  # noqa: PLC0415 - loaded with the model, not with the server

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # two texts on a core each take less time than one text on two
    options.log_severity_level = 3
    return ort.InferenceSession(str(files.weights), options, providers=["CPUExecutionProvider"])


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
