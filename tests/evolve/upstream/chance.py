"""What should be the same on every replay, and is not by itself."""

import datetime as dt
import random
import time
import uuid
from datetime import datetime as moment
from random import choice

from agents.memo_structure import MemoStructure


class Chance(MemoStructure):
    def __init__(self):
        super().__init__()
        self.drawn = [random.random()]

    async def general_retrieve(self, recorder):
        return {"drawn": [*self.drawn, str(uuid.uuid4())]}

    async def general_update(self, recorder):
        self.drawn += [choice(range(1000)), str(uuid.uuid4()), time.time()]
        self.drawn += [moment.now().isoformat(), dt.date.today().isoformat()]  # noqa: DTZ005, DTZ011 - as upstream writes
