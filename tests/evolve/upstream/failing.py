"""Raises in an update, and where nothing matches."""

from agents.memo_structure import MemoStructure


class Failing(MemoStructure):
    def __init__(self):
        super().__init__()
        self.seen = {}

    async def general_retrieve(self, recorder):
        return {"same": self.seen[recorder.init["goal"]]}

    async def general_update(self, recorder):
        if "break" in recorder.init["goal"]:
            raise ValueError("this one is not taken in")
        self.seen[recorder.init["goal"]] = recorder.reward
