"""The table of what is measured: how each server is installed, started, told and asked.

In commands, environments, files and arguments, `{environment}`, `{home}`, `{text}`, `{query}` and `{number}` are
filled in. A home is a temporary folder: `HOME` of the server, with `project` in it as the working folder.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alma_mcp import __version__

CACHE = Path(".cache/peers").absolute()
ZEROS = "0" * 40
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
MINILM_INT8 = "all-MiniLM-L6-v2, int8, ONNX Runtime"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and its arguments."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    `data`: globs of the files it keeps memories in, within its home. `models`: which model folder lies where in its
    home. `refused`: a pattern in an answer that is not flagged as an error and yet says that nothing was stored.
    `pending`: words in an answer that say not everything can be found yet.
    """

    name: str
    package: str
    version: str
    licence: str
    source: str
    registry: Literal["pypi", "npm", "here"]
    command: tuple[str, ...]
    store: Tool
    search: Tool
    data: tuple[str, ...]
    ran_with: str
    semantic: bool = True
    requirements: tuple[str, ...] = ()
    python: tuple[int, int] = (3, 11)
    needs_sqlite_extensions: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Literal["onnx", "torch"]] = field(default_factory=dict)
    refused: str = ""
    pending: str = ""
    framing: Literal["lines", "content-length"] = "lines"

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return CACHE / self.name


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """The value with every `{word}` in its strings replaced."""
    match value:
        case str():
            for word, text in words.items():
                value = value.replace(f"{{{word}}}", text)
            return value
        case Mapping():
            return {key: filled(each, words) for key, each in value.items()}
        case list() | tuple():
            return [filled(each, words) for each in value]
        case _:
            return value


ALMA = Peer(
    name="alma-mcp",
    package="alma-mcp",
    version=__version__,
    licence="Apache-2.0",
    source="this repository",
    registry="here",
    command=(str(Path(sys.executable).parent / "alma-mcp"), "--home", "{home}/alma"),
    store=Tool("update", {"text": "{text}"}),
    search=Tool("retrieve", {"query": "{query}", "limit": 5}),
    data=("alma/experiences.db*",),
    ran_with=MINILM_INT8 + "; design `hybrid`",
    pending="still being taken in",
)

PEERS = (
    ALMA,
    Peer(
        name="server-memory",
        package="@modelcontextprotocol/server-memory",
        version="2026.8.31",
        licence="MIT",
        source="https://github.com/modelcontextprotocol/servers",
        registry="npm",
        command=("node", "{environment}/node_modules/@modelcontextprotocol/server-memory/dist/index.js"),
        environment={"MEMORY_FILE_PATH": "{home}/memory.jsonl"},
        store=Tool(
            "create_entities",
            {"entities": [{"name": "note-{number}", "entityType": "note", "observations": ["{text}"]}]},
        ),
        search=Tool("search_nodes", {"query": "{query}"}),
        data=("memory.jsonl",),
        ran_with="no model: the whole question as a substring",
        semantic=False,
    ),
    Peer(
        name="alma-memory",
        package="alma-memory[local,mcp]",
        version="0.11.0",
        licence="MIT",
        source="https://github.com/RBKunnela/ALMA-memory",
        registry="pypi",
        requirements=("torch==2.13.0",),
        command=("{environment}/bin/python", "-m", "alma.mcp", "--config", "{home}/config.yaml"),
        environment=OFFLINE,
        files={
            "config.yaml": (
                'alma:\n  project_id: "bench"\n  storage: sqlite\n  embedding_provider: local\n'
                "  embedding_dim: 384\n  storage_dir: {home}/alma\n  db_name: alma.db\n"
            ),
        },
        models={"project/all-MiniLM-L6-v2": "torch"},
        store=Tool("alma_add_knowledge", {"agent": "developer", "domain": "notes", "fact": "{text}"}),
        search=Tool("alma_retrieve", {"agent": "developer", "task": "{query}", "top_k": 5}),
        data=("alma/**/alma.db*",),
        ran_with="all-MiniLM-L6-v2, PyTorch on the CPU; a client of our own framing",
        refused=r'"success": false',
        framing="content-length",
    ),
    Peer(
        name="mempalace",
        package="mempalace",
        version="3.11.0",
        licence="MIT",
        source="https://github.com/MemPalace/mempalace",
        registry="pypi",
        command=("{environment}/bin/mempalace-mcp", "--palace", "{home}/palace"),
        environment=OFFLINE,
        models={".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx": "onnx"},
        store=Tool("mempalace_add_drawer", {"wing": "project", "room": "notes", "content": "{text}"}),
        search=Tool("mempalace_search", {"query": "{query}", "limit": 5}),
        data=("palace/**/*.sqlite3*",),
        ran_with=MINILM_INT8,
        refused=r'"success": false|"error":',
    ),
    Peer(
        name="mcp-memory-service",
        package="mcp-memory-service",
        version="12.2.0",
        licence="Apache-2.0",
        source="https://github.com/doobidoo/mcp-memory-service",
        registry="pypi",
        requirements=("onnxruntime==1.31.1", "tokenizers==0.23.3"),
        needs_sqlite_extensions=True,
        command=("{environment}/bin/memory", "server"),
        environment={
            "MCP_MEMORY_STORAGE_BACKEND": "sqlite_vec",
            "MCP_MEMORY_BASE_DIR": "{home}/memories",
            "MCP_MEMORY_USE_ONNX": "true",
            **OFFLINE,
        },
        models={".cache/mcp_memory/onnx_models/all-MiniLM-L6-v2/onnx": "onnx"},
        store=Tool("memory_store", {"content": "{text}", "conversation_id": "bench"}),
        search=Tool("memory_search", {"query": "{query}", "limit": 5}),
        data=("memories/**/*.db*",),
        ran_with=MINILM_INT8 + "; with `conversation_id`, without which it refuses notes that are alike",
        refused=r"(?i)duplicate|failed|error",
    ),
    Peer(
        name="basic-memory",
        package="basic-memory",
        version="0.23.2",
        licence="AGPL-3.0-or-later",
        source="https://github.com/basicmachines-co/basic-memory",
        registry="pypi",
        python=(3, 12),
        needs_sqlite_extensions=True,
        command=("{environment}/bin/basic-memory", "mcp"),
        environment={
            "BASIC_MEMORY_HOME": "{home}/basic-memory",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_MODEL": "sentence-transformers/all-MiniLM-L6-v2",
            "BASIC_MEMORY_AUTO_UPDATE": "false",
            "FASTMCP_CHECK_FOR_UPDATES": "off",
            **OFFLINE,
        },
        files={".basic-memory/fastembed_cache/models--Qdrant--all-MiniLM-L6-v2-onnx/refs/main": ZEROS},
        models={
            f".basic-memory/fastembed_cache/models--Qdrant--all-MiniLM-L6-v2-onnx/snapshots/{ZEROS}": "onnx",
        },
        store=Tool("write_note", {"title": "note {number}", "directory": "notes", "content": "{text}"}),
        search=Tool("search_notes", {"query": "{query}", "page_size": 5}),
        data=("basic-memory/**/*.md",),
        ran_with=MINILM_INT8 + " (its own default, bge-small-en-v1.5, is on the model hub only)",
        refused=r"^# Error",
    ),
)


def named(names: list[str]) -> list[Peer]:
    """The peers of these names, all of them for none. Raises `ValueError` for a name that is not in the table."""
    known = {peer.name: peer for peer in PEERS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no peer is called {unknown[0]}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(PEERS)
