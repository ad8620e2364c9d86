"""A function that computes, as one that can be awaited: in a thread."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from alma_mcp.embedders import Vectors
from alma_mcp.embedders.warm import Encode

LOWERED = 10


def in_thread(encode: Callable[[Sequence[str]], Vectors]) -> Encode:
    """In any thread."""

    async def encode_in_thread(texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(encode, texts)

    return encode_in_thread


def in_thread_aside(encode: Callable[[Sequence[str]], Vectors]) -> Encode:
    """In threads that leave the processor to others, where the system has it so."""
    threads = ThreadPoolExecutor(thread_name_prefix="aside", initializer=_step_aside)

    async def encode_aside(texts: Sequence[str]) -> Vectors:
        return await asyncio.get_running_loop().run_in_executor(threads, encode, texts)

    return encode_aside


def _step_aside() -> None:
    """Linux alone has a priority for each thread; elsewhere this would be that of the whole engine."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.nice(LOWERED)
