"""Any model of sentence-transformers, on PyTorch; wants the extra of that name."""

import asyncio
from collections.abc import Sequence

import numpy as np

from alma_mcp.contract import Unavailable
from alma_mcp.embedders import Vectors
from alma_mcp.embedders.threads import in_thread
from alma_mcp.embedders.warm import Model, WarmEmbedder


class SentenceTransformerEmbedder(WarmEmbedder):
    """A model by name or folder; `offline`: only if it is on this machine already."""

    def __init__(self, model: str, *, offline: bool = False) -> None:
        super().__init__(model, lambda: asyncio.to_thread(self._load_model))
        self._offline = offline

    def _load_model(self) -> Model:
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an extra, and seconds to import
        except ImportError as error:
            raise Unavailable("run `pip install 'alma-mcp[sentence-transformers]'` for this embedder") from error
        try:
            model = SentenceTransformer(self.name, device="cpu", local_files_only=self._offline)
        except (OSError, ValueError) as error:
            raise Unavailable(f"sentence-transformers cannot load {self.name}: {error}") from error

        def encode(texts: Sequence[str]) -> Vectors:
            rows = [model.encode(text, normalize_embeddings=True, show_progress_bar=False) for text in texts]
            return np.asarray(rows, dtype=np.float32)

        config = getattr(model[0], "auto_model", None)
        revision = str(getattr(getattr(config, "config", None), "_commit_hash", None) or "")
        return Model(revision, encode(["dimension"]).shape[1], in_thread(encode), least=1)
