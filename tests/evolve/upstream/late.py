"""Asks from threads: one that asks when its call is over, one that knows of no call."""

import asyncio
import threading

from agents.memo_structure import MemoStructure
from utils.hire_agent import Embedding


class Late(MemoStructure):
    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()
        self.said = []

    async def general_retrieve(self, recorder):
        self.go_on.set()
        await asyncio.to_thread(self.thread.join)
        return {"said": self.said}

    async def general_update(self, recorder):
        loop = asyncio.get_running_loop()
        vector = await loop.run_in_executor(None, Embedding().embed_query, "now")
        self.said.append(len(vector))
        self.started = asyncio.create_task(self.note("started, not waited for"))
        work = asyncio.to_thread(self.later)
        self.thread = threading.Thread(target=asyncio.run, args=(work,))
        self.thread.start()

    async def note(self, text):
        await Embedding().get_embedding(text)
        self.said.append(text)

    def later(self):
        self.go_on.wait()
        try:
            Embedding().embed_query("later")
        except RuntimeError as error:
            self.said.append(str(error))
