"""The embedder that a setting names."""

import re
from pathlib import Path

from alma_mcp.embedders import Embedder
from alma_mcp.embedders.hub import HUB, HubEmbedder, HubModel
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.embedders.onnx import OnnxEmbedder
from alma_mcp.embedders.openai import OPENAI, OpenAIEmbedder
from alma_mcp.embedders.sentence_transformers import SentenceTransformerEmbedder
from alma_mcp.errors import BadRequest
from alma_mcp.models import model_in

__all__ = ["Embedder", "OnnxEmbedder", "make_embedder"]

FORMS = '"onnx", "none", "onnx:FOLDER", "hub:OWNER/NAME@COMMIT#SHA256", "openai:MODEL" or "sentence-transformers:MODEL"'
HUB_FORM = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})#(?P<sha256>[0-9a-f]{64})")


def make_embedder(
    setting: str,
    *,
    base_url: str = OPENAI,
    key: str = "",
    hub: str = HUB,
    models: Path = Path("models"),
    offline: bool = False,
) -> Embedder:
    """The embedder of a setting, see `configs/serve.toml`. Nothing is loaded or sent yet. Raises `BadRequest`.

    `base_url` and `key` are of the endpoint of `openai:`; `hub` is where `hub:` downloads from, into
    the folder `models`. `offline`: with what is on this machine, or not at all.
    """
    kind, _, what = setting.partition(":")
    match kind, bool(what):
        case "onnx", False if setting == "onnx":
            return OnnxEmbedder()
        case "none", False if setting == "none":
            return NoEmbedder()
        case "onnx", True:
            folder = Path(what).expanduser()
            return OnnxEmbedder(lambda: model_in(folder), folder.name)
        case "hub", True if found := HUB_FORM.fullmatch(what):
            return HubEmbedder(HubModel(**found.groupdict()), models, hub, offline=offline)
        case "openai", True:
            return NoEmbedder(f"{setting} is not asked any more") if offline else OpenAIEmbedder(what, base_url, key)
        case "sentence-transformers", True:
            return SentenceTransformerEmbedder(what, offline=offline)
        case _:
            raise BadRequest(f"`embedder` must be {FORMS}, not {setting!r}.")
