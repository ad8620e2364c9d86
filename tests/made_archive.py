"""An archive as a search leaves it, and the commands that look at one."""

import json

from alma_mcp.command_line import run_group
from alma_mcp.design_store import Design, DesignStore
from alma_mcp.home import Home
from evolve.archive import Archive, Cost, Lesson
from evolve.cli import cli
from evolve.config import SearchSettings
from evolve.evaluation import Evaluation, Rejection, TaskResult

METRIC = "recall@10"
HOSTILE = "evil</text><script>alert('x')</script> \x1b[31m& [/bold]"


class Person:
    """Types commands at one home, and reads what comes."""

    def __init__(self, home, capsys):
        self.home = Home(home)
        self._capsys = capsys

    def archive(self):
        return Archive(self.home.archive, DesignStore(self.home.designs))

    def types(self, *arguments):
        """Gives the exit code, standard output and standard error."""
        self._capsys.readouterr()
        code = run_group(cli, "alma-evolve", [str(each) for each in ("--home", self.home.path, *arguments)])
        written = self._capsys.readouterr()
        return code, written.out, written.err

    def reads(self, *arguments):
        """What is on standard output; nothing went wrong."""
        code, out, err = self.types(*arguments)
        assert (code, err) == (0, ""), err
        return out

    def asks(self, *arguments):
        """What `--json` answers, the only line there is."""
        out = self.reads(*arguments, "--json")
        assert out.count("\n") == 1
        return json.loads(out, parse_constant=lambda name: 1 / 0)

    def is_told(self, *arguments):
        """The one sentence on standard error."""
        code, out, err = self.types(*arguments)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        return err


def design(name):
    return Design(f'"""What {name} does."""\n\nname = "{name}"\n', name)


def evaluation(made, scores, benchmark="locomo", split="search", eliminated="", estimate=None, seed=0):
    """Of an own cluster for each task."""
    results = [TaskResult(task, task, {METRIC: score}, 100, 2.0, seed=seed) for task, score in scores.items()]
    return Evaluation(made.id, made.name, benchmark, split, METRIC, results, eliminated=eliminated, estimate=estimate)


def fill(archive):
    """Two seeds, a child, a grandchild with two parents, one that is eliminated and one that is rejected."""
    designs = {name: design(name) for name in ("seed", "other", "child", "grandchild", "slow", "broken")}
    lineage_of = {"child": ["seed"], "grandchild": ["child", "other"], "slow": ["seed"], "broken": ["other"]}
    for at, (name, made) in enumerate(designs.items()):
        parents = [designs[each].id for each in lineage_of.get(name, ())]
        archive.add(made, "openai" if parents else "seed", f"{name} helps" if parents else "", parents, float(at))
    tasks = [f"task-{number}" for number in range(10)]
    for name, solved in (("seed", 4), ("other", 5), ("child", 6), ("grandchild", 8)):
        verdict = evaluation(designs[name], {task: float(place < solved) for place, task in enumerate(tasks)})
        archive.judge(designs[name].id, "locomo", "search", verdict)
    slow = evaluation(designs["slow"], {"task-0": 0.0, "task-1": 1.0}, eliminated="proxy", estimate=0.41)
    archive.judge(designs["slow"].id, "locomo", "search", slow)
    archive.judge(designs["broken"].id, "locomo", "search", Rejection(designs["broken"].id, "smoke", "KeyError:\n 'x'"))
    archive.judge(
        designs["child"].id, "locomo", "validation", evaluation(designs["child"], {"v": 0.5}, split="validation")
    )
    archive.teach(designs["child"].id, [Lesson("Names are worth more than dates.", 3, 1)])
    journal = archive.journal
    run = journal.begin(SearchSettings(benchmark="locomo").model_dump_json(), 2, "locomo", [designs["seed"].id])
    written = {
        "source": designs["child"].source,
        "hypothesis": "child helps",
        "refuted_by": "no gain",
        "plan": "1. Do.",
    }
    journal.record(run, "1.1", {"proposal": {**written, "who": "gpt"}, "parents": [designs["seed"].id]})
    journal.spend(run, "1.1", Cost("meta", "gpt", 2, 3000, 0.25))
    journal.spend(run, "1.1", Cost("agent", "nano", 20, 9000, None, 10))
    journal.record(run, "1.2", {"rejection": {"design": "", "stage": "proposal", "reason": "no code"}})
    journal.finish_round(run, 1)
    challenge = archive.openings.write_down("locomo", designs["grandchild"].id, designs["seed"].id, (), 86_400.0)
    archive.openings.count(challenge, 86_400.0)
    archive.openings.end(challenge, "failed")
    return designs
