"""The modules that an upstream file imports, each with what is used of it, bound to one memory's bridge."""

import builtins
import concurrent.futures
import datetime as dt
import linecache
import logging
import os
import random
import sys
import time
import typing
import uuid
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from evolve.upstream.adapter.agent import Agent, APIError
from evolve.upstream.adapter.bridge import Bridge, Threads
from evolve.upstream.adapter.chroma import Chroma, Client, Document
from evolve.upstream.adapter.collection import Collection
from evolve.upstream.adapter.embedding import Embedding
from evolve.upstream.adapter.recorder import Basic_Env, Basic_Recorder, MemoStructure, Sub_memo_layer

UNUSABLE = ("finch", "yaml")


class Unusable(ModuleType):
    """A module that can be imported for a name; whoever calls what it gives is told that it is not here."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*_: Any, **__: Any) -> Any:
            raise ModuleNotFoundError(f"There is no {self.__name__} in the sandbox, so no {self.__name__}.{name}().")

        return call


def stand_ins(bridge: Bridge) -> dict[str, ModuleType]:
    """Modules by their dotted names. What they hold is shared by nobody else."""
    bound = {"bridge": bridge}
    embedding = type("Embedding", (Embedding,), bound)
    collections: dict[tuple[str, str], Collection] = {}
    chroma = type("Chroma", (Chroma,), {"collections": collections, "fresh_id": lambda _: str(_random_id(bridge))})
    client = type("Client", (Client,), {"collections": collections, "embed": embedding()})
    document = {"Document": Document}
    made: dict[str, Mapping[str, Any]] = {
        "agents.memo_structure": {"MemoStructure": MemoStructure, "Sub_memo_layer": Sub_memo_layer},
        "agents.base": {"GLOBAL_TOKEN_TRACKER": None},
        "eval_envs.base_envs": {"Basic_Recorder": Basic_Recorder, "Basic_Env": Basic_Env},
        "utils.hire_agent": {"Agent": type("Agent", (Agent,), bound), "Embedding": embedding},
        "langchain_chroma": {"Chroma": chroma},
        "langchain_core.documents": document,
        "langchain.docstore.document": document,
        "langchain.schema": document,
        "chromadb": {"Client": client, "EphemeralClient": client, "PersistentClient": client},
        "chromadb.config": {"Settings": SimpleNamespace},
        "dotenv": {"load_dotenv": lambda *_, **__: False},
        "logger": {"get_logger": lambda name="", **_: logging.getLogger(name)},
        "openai": {"OpenAIError": APIError, "APIError": APIError},
        "typing_extensions": vars(typing),
        **_of_the_library(bridge),
    }
    modules: dict[str, ModuleType] = {name: Unusable(name) for name in UNUSABLE}
    for name, contents in made.items():
        module = Unusable(name) if name == "openai" else ModuleType(name)
        module.__dict__.update({key: value for key, value in contents.items() if key not in vars(module)})
        modules[name] = module
    for name in sorted(modules):
        _put_into_parent(modules, name)
    return modules


def execute(name: str, source: str, companions: Mapping[str, str], modules: dict[str, ModuleType]) -> ModuleType:
    """Run a source as a module, whose imports find `modules` first, then its `companions`, then what is installed."""

    def find(wanted: str, scope: Any = None, local: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and wanted in companions and wanted not in modules:
            modules[wanted] = execute(wanted, companions[wanted], companions, modules)
            _put_into_parent(modules, wanted)
        if level == 0 and wanted in modules:
            return modules[wanted] if fromlist else modules[wanted.partition(".")[0]]
        return builtins.__import__(wanted, scope, local, fromlist, level)

    file = f"{name}.py"
    module = sys.modules[f"upstream.{name}"] = ModuleType(f"upstream.{name}")
    module.__dict__.update(__file__=file, __builtins__={**vars(builtins), "__import__": find})
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), module.__dict__)  # noqa: S102 - a sandbox is there to run designs
    return module


def _put_into_parent(modules: dict[str, ModuleType], name: str) -> None:
    while "." in name:
        parent, _, last = name.rpartition(".")
        setattr(modules.setdefault(parent, ModuleType(parent)), last, modules[name])
        name = parent


def _of_the_library(bridge: Bridge) -> dict[str, Mapping[str, Any]]:
    """The standard library where it must know the call: time, chance, ids, pools of threads; a folder of one's own."""

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> typing.Self:
            return cls.fromtimestamp(bridge.call.now, tz or dt.UTC).replace(tzinfo=tz)

        @classmethod
        def utcnow(cls) -> typing.Self:
            return cls.now()

    class Day(dt.date):
        @classmethod
        def today(cls) -> typing.Self:
            return cls.fromordinal(Clock.now().toordinal())

    chance = {
        name: _of_call(bridge, name)
        for name in dir(random.Random)
        if not name.startswith("_") and callable(getattr(random, name, None))
    }
    return {
        "concurrent.futures": {**vars(concurrent.futures), "ThreadPoolExecutor": Threads},
        "datetime": {**vars(dt), "datetime": Clock, "date": Day},
        "os": {**vars(os), "getcwd": lambda: os.path.join(bridge.folder, "work")},  # noqa: PTH118 - upstream's way
        "os.path": vars(os.path),
        "random": {**vars(random), **chance},
        "time": {**vars(time), "time": lambda: bridge.call.now, "time_ns": lambda: int(bridge.call.now * 1e9)},
        "uuid": {**vars(uuid), "uuid4": lambda: _random_id(bridge), "uuid1": lambda *_: _random_id(bridge)},
    }


def _of_call(bridge: Bridge, name: str) -> Any:
    """A method of the running call's chance, found when it is called: a file may have imported it long before."""

    def call(*values: Any, **named: Any) -> Any:
        return getattr(bridge.call.random, name)(*values, **named)

    return call


def _random_id(bridge: Bridge) -> uuid.UUID:
    return uuid.UUID(int=bridge.call.random.getrandbits(128), version=4)
