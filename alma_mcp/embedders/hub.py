"""A model of a model hub: one commit, weights of one hash, downloaded once into the home."""

import asyncio
import hashlib
import http.client
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.contract import Unavailable
from alma_mcp.embedders.onnx import load_onnx
from alma_mcp.embedders.warm import Model, WarmEmbedder
from alma_mcp.models import check_file, model_in

HUB = "https://huggingface.co"
WEIGHTS = "onnx/model.onnx"
TOKENIZER = "tokenizer.json"
MOST_BYTES = 4 * 2**30
PIECE = 2**20
SILENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository (`owner/name`) at a commit, and the SHA-256 of its `onnx/model.onnx`."""

    repository: str
    revision: str
    sha256: str


class HubEmbedder(WarmEmbedder):
    """Downloads in `load` only, which `state` tells; who asks for vectors before is told so at once.

    `offline`: never downloads.
    """

    def __init__(self, model: HubModel, models: Path, hub: str = HUB, *, offline: bool = False) -> None:
        self._wanted = model
        self._folder = models / model.sha256[:16]
        self._hub = hub.rstrip("/")
        self._offline = offline
        super().__init__(model.repository, self._ready, slow=not self._complete)

    @property
    def _complete(self) -> bool:
        return all((self._folder / name).is_file() for name in ("model.onnx", TOKENIZER))

    async def _ready(self) -> Model:
        if not self._complete:
            await self._download()
        return await asyncio.to_thread(self._checked)

    def _checked(self) -> Model:
        self.progress = "loading"
        weights = self._folder / "model.onnx"
        check_file(weights, self._wanted.sha256, f"remove {self._folder} to have it downloaded again")
        return load_onnx(model_in(self._folder))

    async def _download(self) -> None:
        if self._offline:
            raise Unavailable(f"{self.name} is not on this machine")
        address = urllib.parse.urlsplit(self._hub)
        if address.scheme != "https" and (address.scheme, address.hostname) != ("http", "127.0.0.1"):
            raise Unavailable(f"`model_hub` must be an https address, not {self._hub}")
        over = threading.Event()
        try:
            await asyncio.to_thread(self._fetch, TOKENIZER, self._folder / TOKENIZER, None, over)
            await asyncio.to_thread(self._fetch, WEIGHTS, self._folder / "model.onnx", self._wanted.sha256, over)
        finally:
            over.set()

    def _fetch(self, name: str, target: Path, sha256: str | None, over: threading.Event) -> None:
        address = f"{self._hub}/{self._wanted.repository}/resolve/{self._wanted.revision}/{name}"
        fresh = target.with_suffix(".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with urllib.request.urlopen(address, timeout=SILENCE_SECONDS) as answer:  # noqa: S310 - checked above
                total = int(answer.headers.get("content-length") or 0)
                found = _copied(answer, fresh, over, lambda done: self._tell(done, total))
            if sha256 and found != sha256:
                raise Unavailable(f"{address} has not the SHA-256 that `embedder` names; nothing of it is used")
            fresh.replace(target)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unavailable(f"{address} cannot be downloaded: {error}") from error
        finally:
            fresh.unlink(missing_ok=True)

    def _tell(self, done: int, total: int) -> None:
        of = f" of {total / 1e6:,.0f}" if total else ""
        self.progress = f"downloading: {done / 1e6:,.0f}{of} MB"


def _copied(answer: http.client.HTTPResponse, target: Path, over: threading.Event, tell: Callable[[int], None]) -> str:
    """Copy the body to a file and give its SHA-256. Raises `OSError` where it is too long, cut short or `over`."""
    digest, done = hashlib.sha256(), 0
    with target.open("wb") as file:
        while piece := answer.read(PIECE):
            done += len(piece)
            if over.is_set() or done > MOST_BYTES:
                raise OSError("it was broken off")
            digest.update(piece)
            file.write(piece)
            tell(done)
    if answer.length:
        raise OSError(f"it ended {answer.length:,} bytes early")
    return digest.hexdigest()
