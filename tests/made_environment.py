"""A made game behind the real protocol, in a process of its own: two doors, of which one leads out."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from evolve.agents import Decision, Situation
from evolve.environments.link import LONGEST_LINE, Deadlines, EnvironmentLink

ENVIRONMENTS = Path(__file__).resolve().parents[1] / "envs_docker"
GAME = '''
import os, sys, time
sys.path.insert(0, sys.argv[1])
from lines import BadGame, serve

class Doors:
    """The left door opens where the level's number is even; each wrong one costs a step."""
    def reset(self, game, seed):
        if game == "unknown":
            raise BadGame("There is no game 'unknown'; there is: doors.")
        if game == "crash once" and not os.path.exists(sys.argv[2]):
            open(sys.argv[2], "w").close()
            os._exit(1)
        self.right, self.score = ("left", "right")[seed % 2], 0.0
        return self.state(f"You see two doors in a hall of {('oak', 'stone')[seed % 2]}.")
    def step(self, action):
        match action:
            case "crash": os._exit(1)
            case "hang": time.sleep(3600)
            case "garble": os.write(int(sys.argv[3]) if len(sys.argv) > 3 else 3, b"no json\\n")
            case "raise": raise RuntimeError("the game broke")
            case "lie": return {**self.state("x"), "score": 7.0}
        print("chatter on standard output")
        if action == self.right:
            self.score = 1.0
            return self.state("It opens.")
        return self.state("It is locked.")
    def state(self, text):
        won = self.score == 1.0
        return dict(goal="Get out.", observation=text, actions=["left", "right"], score=self.score, won=won, done=won)

serve({"babaisai": Doors, "textworld": Doors}, {"babaisai": "made for a test", "textworld": "made for a test"})
'''


@dataclass
class MadeEnvironments:
    """Starts them; remembers which process each of them is."""

    folder: Path
    deadlines: Deadlines = field(default_factory=Deadlines)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self) -> EnvironmentLink:
        script = self.folder / "doors.py"
        script.write_text(GAME)
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), str(ENVIRONMENTS), str(self.folder / "crashed"),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
        )  # fmt: skip
        self.processes.append(process)

        async def end() -> None:
            if process.returncode is None:
                process.kill()
            await process.wait()
            process.stdin.close()

        link = EnvironmentLink(process.stdout, process.stdin.write, end, lambda: "", self.deadlines)
        await link.ready()
        return link

    def kill(self, number: int) -> None:
        os.kill(self.processes[number].pid, signal.SIGKILL)


@contextlib.asynccontextmanager
async def made_environments(folder: Path, step: float):
    """A starter whose environments get `step` seconds a step; none outlives the context."""
    starter = MadeEnvironments(folder, Deadlines(ready=30, reset=30, step=step))
    yield starter
    for process in starter.processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


class DoorAgent:
    """Takes the doors in turn, first the one that won in an episode that it is shown, whatever the hall was."""

    name = "doors"
    version = "1"
    deterministic = True
    at_once = 2

    def __init__(self) -> None:
        self.acted = 0

    async def act(self, situation: Situation) -> Decision:
        self.acted += 1
        hall = situation.first.rsplit(" ", 1)[-1]
        for text in situation.memory:
            lines = text.splitlines()
            if hall in text and "won" in lines[-1] and not situation.history:
                return Decision(next(line.removeprefix("agent: ") for line in reversed(lines) if "agent: " in line))
        return Decision("left" if len(situation.history) % 2 == 0 else "right", tokens_in=10, tokens_out=1)
