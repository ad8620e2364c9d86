"""What a model says of each episode, asked with a schema."""

from agents.memo_structure import MemoStructure
from eval_envs.base_envs import Basic_Recorder
from utils.hire_agent import Agent


class Lessons(MemoStructure):
    def __init__(self):
        super().__init__()
        self.lessons = []
        self.problems = []

    async def general_retrieve(self, recorder: Basic_Recorder):
        return {"lessons": self.lessons, "problems": self.problems}

    async def general_update(self, recorder: Basic_Recorder):
        schema = {"lesson": {"type": "string"}, "sure": {"type": "boolean"}}
        agent = Agent(model="gpt-4o-mini", system_prompt="You learn from episodes.", output_schema=schema)
        try:
            answer = await agent.ask(f"Episode: {recorder.init} {recorder.steps}")
        except Exception as error:  # noqa: BLE001 - as upstream writes
            self.problems.append(f"{type(error).__name__}: {error}")
            return
        if "error" in answer:
            self.problems.append(answer["error"])
        else:
            self.lessons.append(answer["lesson"])
