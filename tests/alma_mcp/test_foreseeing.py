import asyncio

import numpy as np
import pytest

from alma_mcp.contract import Unavailable
from alma_mcp.design_embedder import DesignEmbedder
from alma_mcp.embedders.warm import Model, WarmEmbedder
from alma_mcp.projections.generation import Generation


class Counting:
    """A model that counts what it encodes, and fails where it is told to."""

    def __init__(self) -> None:
        self.encoded: list[str] = []
        self.fails = False

    async def open(self) -> Model:
        return Model("1", 2, self.encode)

    async def encode(self, texts):
        if self.fails:
            raise Unavailable("it is broken")
        self.encoded += texts
        await asyncio.sleep(0)
        return np.ones((len(texts), 2), np.float32)


@pytest.fixture
def model():
    return Counting()


async def asked(model, tmp_path, *, holds_vectors: bool) -> DesignEmbedder:
    embedder = WarmEmbedder("made", model.open)
    await embedder.load()
    generation = Generation(tmp_path, "made", embedder.identity if holds_vectors else "")
    return DesignEmbedder(embedder, "s", None, generation)


async def test_a_query_is_embedded_before_the_design_asks_and_only_once(model, tmp_path):
    design = await asked(model, tmp_path, holds_vectors=True)
    design.foresee("where is the harbour")
    while not model.encoded:
        await asyncio.sleep(0)
    await design.embed(["where is the harbour"], None)
    assert model.encoded == ["where is the harbour"]


async def test_nothing_is_embedded_for_a_design_that_keeps_no_vectors(model, tmp_path):
    design = await asked(model, tmp_path, holds_vectors=False)
    design.foresee("where is the harbour")
    for _ in range(5):
        await asyncio.sleep(0)
    assert model.encoded == []


async def test_a_failure_that_was_foreseen_is_told_when_the_design_asks(model, tmp_path):
    design = await asked(model, tmp_path, holds_vectors=True)
    model.fails = True
    design.foresee("where is the harbour")
    with pytest.raises(Unavailable, match="broken"):
        await design.embed(["where is the harbour"], None)
