"""Waits for ever."""

import asyncio

from agents.memo_structure import MemoStructure


class Hanging(MemoStructure):
    async def general_retrieve(self, recorder):
        return {}

    async def general_update(self, recorder):
        await asyncio.Event().wait()
