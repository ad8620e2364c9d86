"""A graph of what was seen where, in two layers that hand on what they find."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
from agents.memo_structure import MemoStructure, Sub_memo_layer
from eval_envs.base_envs import Basic_Recorder


@dataclass
class Places(Sub_memo_layer):
    layer_intro: str = "Edges from a place to what was seen there."
    database: Any = field(default_factory=nx.Graph)

    async def retrieve(self, **kwargs):
        thing = kwargs["thing"]
        return sorted(self.database.neighbors(thing)) if thing in self.database else []

    async def update(self, **kwargs):
        for place, thing in kwargs["pairs"]:
            self.database.add_edge(place, thing)


@dataclass
class Visits(Sub_memo_layer):
    layer_intro: str = "How often a place was gone to."
    database: Any = field(default_factory=dict)

    async def retrieve(self, **kwargs):
        return {place: self.database.get(place, 0) for place in kwargs["places"]}

    async def update(self, **kwargs):
        for place, _ in kwargs["pairs"]:
            self.database[place] = self.database.get(place, 0) + 1


class Atlas(MemoStructure):
    def __init__(self):
        super().__init__()
        self.places = Places()
        self.visits = Visits()

    async def general_retrieve(self, recorder: Basic_Recorder):
        thing = re.search(r"put an? (\w+)", recorder.init["obs"])
        places = await self.places.retrieve(thing=thing.group(1)) if thing else []
        return {"look_in": places, "visits": await self.visits.retrieve(places=places)}

    async def general_update(self, recorder: Basic_Recorder):
        pairs = []
        for step in recorder.steps:
            seen = re.search(r"On the (\w+) \d+, you see an? (\w+)", step["obs"])
            pairs += [seen.groups()] if seen else []
        await asyncio.gather(self.places.update(pairs=pairs), self.visits.update(pairs=pairs))


class Unfinished(MemoStructure):
    """Not the first of the file."""

    async def general_retrieve(self, recorder: Basic_Recorder):
        raise NotImplementedError

    async def general_update(self, recorder: Basic_Recorder):
        raise NotImplementedError
