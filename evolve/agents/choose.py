"""Agents by name: `scripted`, `local`, `local:FILE.gguf`, or a model of an endpoint as `NAME` or `NAME/EFFORT`.

Keys, addresses and programs are read from the environment here and nowhere else.
"""

import asyncio
import contextlib
import os
import random
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from alma_mcp.chat import Chat
from alma_mcp.errors import EvolveError
from alma_mcp.toolkit import ChatCompleter, Completer
from evolve.agents import Agent
from evolve.agents.local import PROGRAM, LocalModel, served
from evolve.agents.model import ModelAgent, Play
from evolve.agents.prompting import Window
from evolve.agents.scripted import ScriptedAgent
from evolve.progress import bar

KEY_VARIABLES = ("ALMA_EVOLVE_AGENT_API_KEY", "ALMA_EVOLVE_API_KEY")
BASE_URL_VARIABLE = "ALMA_EVOLVE_AGENT_BASE_URL"
LOCAL_MODEL_VARIABLE = "ALMA_EVOLVE_LOCAL_MODEL"
LOCAL_PROGRAM_VARIABLE = "ALMA_EVOLVE_LLAMA_SERVER"
OPENAI = "https://api.openai.com/v1"
ENDPOINT_SECONDS = 120.0
LOCAL_SECONDS = 900.0
LONGEST_ANSWER = 200
"""Tokens; an answer is one short JSON object, and a small model may not find its end."""


@contextlib.asynccontextmanager
async def open_agent(name: str, *, base_url: str = "", turns: int = 16, at_once: int = 4) -> AsyncIterator[Agent]:
    """An agent for as long as the context is open; `turns` and `at_once` are a model's. Raises `EvolveError`."""
    kind, _, rest = name.partition(":")
    if name == "scripted":
        yield ScriptedAgent()
    elif kind == "local":
        async with _local(rest, turns) as local:
            yield local
    elif name:
        async with _remote(name, base_url, Play(Window(turns), at_once=at_once)) as remote:
            yield remote
    else:
        raise EvolveError("Name an agent: scripted, local, or a model as NAME/EFFORT.")


@contextlib.asynccontextmanager
async def open_completer(name: str, agent: Agent, base_url: str = "") -> AsyncIterator[Completer | None]:
    """The model that designs may ask: that of the agent, where it has one; `none`; or another one by its name."""
    if name == "none":
        yield None
    elif name:
        async with open_agent(name, base_url=base_url) as other:
            yield _completer(other)
    else:
        yield _completer(agent)


def _completer(agent: Agent) -> Completer | None:
    return ChatCompleter(agent.model) if isinstance(agent, ModelAgent) else None


@contextlib.asynccontextmanager
async def _remote(name: str, base_url: str, play: Play) -> AsyncIterator[Agent]:
    url = base_url or os.environ.get(BASE_URL_VARIABLE, "") or OPENAI
    key = next((os.environ[variable] for variable in KEY_VARIABLES if os.environ.get(variable)), "")
    if url == OPENAI and not key:
        raise EvolveError(f"The agent {name} needs a key: set {KEY_VARIABLES[0]}, or name another address.")
    shown = name if url == OPENAI else f"{name} at {urlsplit(url).netloc.rpartition('@')[2]}"
    async with Chat(name, url, key, timeout=ENDPOINT_SECONDS) as chat:
        yield ModelAgent(shown, chat, play, chance=random.Random())


@contextlib.asynccontextmanager
async def _local(file: str, turns: int) -> AsyncIterator[Agent]:
    named = file or os.environ.get(LOCAL_MODEL_VARIABLE, "")
    if not named:
        raise EvolveError(f"Name a model: `local:/models/some-model.gguf`, or set {LOCAL_MODEL_VARIABLE}.")
    model = LocalModel(Path(named), os.environ.get(LOCAL_PROGRAM_VARIABLE) or PROGRAM)
    play = Play(Window(turns, characters=12_000), at_once=1, options={"max_tokens": LONGEST_ANSWER})
    key = secrets.token_hex(16)
    async with contextlib.AsyncExitStack() as stack:
        with bar(f"Reading {model.file.name}") as shown:
            name = await asyncio.to_thread(model.name)
            url = await stack.enter_async_context(served(model, key, shown.title))
        chat = await stack.enter_async_context(Chat("local", url, key, timeout=LOCAL_SECONDS))
        yield ModelAgent(name, chat, play, chance=random.Random())
