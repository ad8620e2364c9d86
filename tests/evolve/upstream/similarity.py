"""The nearest earlier episode, by what was seen at first."""

import json
import uuid

from agents.memo_structure import MemoStructure
from eval_envs.base_envs import Basic_Recorder
from langchain_chroma import Chroma
from utils.hire_agent import Embedding


class NearestEpisode(MemoStructure):
    def __init__(self):
        super().__init__()
        self.database = Chroma(embedding_function=Embedding())

    async def general_retrieve(self, recorder: Basic_Recorder):
        found = self.database.similarity_search_with_score(recorder.init["obs"], k=2, filter={"won": True})
        return {"nearest": [(json.loads(each.metadata["actions"]), round(distance, 3)) for each, distance in found]}

    async def general_update(self, recorder: Basic_Recorder):
        actions = json.dumps([step["action_took"] for step in recorder.steps])
        self.database.add_texts(
            [recorder.init["obs"]], [{"actions": actions, "won": recorder.reward == 1.0}], [str(uuid.uuid4())]
        )
