"""A home after weeks of use: what is in it is made, but for the facts about this project, which are true of it."""

import random
import time

from three_dossiers import clear_win, one_kind_worse, smuggled_knowledge

from alma_mcp.access import USER_SCOPE, project_scope
from alma_mcp.contract import Experience, Step
from alma_mcp.control import control
from alma_mcp.design_store import Design, DesignStore, bundled_designs
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import Question, QuestionLog
from alma_mcp.redaction import Redactor
from evolve.archive import Archive, Cost, Lesson
from evolve.config import SearchSettings
from evolve.evaluation import Evaluation, Rejection, TaskResult

DAY = 86_400.0
METRIC = "recall@10"
TASKS = 40
NOTES = (
    ("decision", "One engine per home holds the database", "Two writers on one SQLite file starved each other."),
    ("decision", "A worker gets no /proc", "Through /proc/1/environ a design could read the host's environment."),
    ("fix", "Retrieve hung behind a slow model", "Updates that wait for a model no longer hold the retrieve path."),
    ("howto", "Run the checks", "make check runs ruff, mypy strict, import-linter and the tests of the documents."),
    ("fix", "A chown met a file that was gone", "A folder is given away file by file; what has vanished is passed."),
    ("preference", "Messages to people", "One sentence that says what to do, never a traceback."),
    ("howto", "Start from a clean clone", "make demo and make test set themselves up; nothing else is needed."),
    ("decision", "Vectors are kept by content", "Another design that embeds the same text pays nothing for it."),
    ("trajectory", "Speed up the first answer", "The pump is standard library only: 41 ms instead of 700."),
    ("note", "The gate split is opened by the gate alone", "Every opening is counted, and alpha is spent over them."),
    ("fix", "Feedback was lost on replay", "Feedback is an event of the log, so a rebuilt memory learns it again."),
    ("decision", "A rollback needs no passphrase", "It only brings back what a person approved before."),
    (
        "fix",
        "A commit failed on a full disk",
        "A ballast file is kept, and given up so that something can be forgotten.",
    ),
    ("howto", "See why a memory came back", "The dashboard asks as an assistant would and names each reason."),
    ("note", "Worktrees are one project", "A scope is the repository, however many folders it is checked out in."),
    ("preference", "Names in code", "One noun a file; the words of docs/design.md and no synonyms."),
    ("trajectory", "Halve the time of the search", "Questions are embedded before the design asks for their vectors."),
    ("fix", "Two engines after an update", "The right to run is a lock of the kernel, never a file with a process id."),
    ("decision", "Secrets are replaced before they are stored", "Equal secrets get equal marks, so duplicates match."),
    (
        "howto",
        "Measure a design on your own past",
        "alma-evolve evaluate with the benchmark replay, from 20 questions up.",
    ),
    ("note", "A model's answer is recorded once", "Replaying the log asks no model anew and gives the same memory."),
    ("fix", "A test failed once in six runs", "Sets are ordered alike in every worker: the hash seed is fixed."),
    ("preference", "Commit messages", "They say why; what was changed is in the change."),
    ("note", "FTS5 ranks rare words higher", "BM25 with k1 = 1.2 and b = 0.75, as SQLite has it."),
)
QUESTIONS = (
    "how are the checks run before a commit?", "why is there only one engine for all sessions?",
    "what can a design see of the host?", "retrieve hangs while a model is slow", "which split may the gate open?",
    "how does a clean clone set itself up?", "what should an error message look like?", "are vectors computed twice?",
)  # fmt: skip


async def live_in(machine):
    """Fill the machine's home, start its engine, and ask for three promotions; gives their numbers by name."""
    now = time.time()
    await _remember(machine, now)
    _search(machine, now)
    assert machine.command("status").returncode == 0
    async with control(machine.home) as engine:
        asked = {}
        for name, made in (("smuggled", smuggled_knowledge), ("worse", one_kind_worse), ("clear", clear_win)):
            wanted = made()
            filed = {key: wanted[key] for key in ("source", "name", "dossier")}
            asked[name] = (await engine.request("promotions.request", filed))["request"]
    return asked


async def _remember(machine, now):
    log = await ExperienceLog.open(machine.home.experiences)
    project, other = project_scope(str(machine.project)), project_scope(str(machine.project.parent / "website"))
    chance, ids = random.Random(0), []
    for number, (kind, task, text) in enumerate(NOTES):
        scope = (project, project, other, USER_SCOPE)[number % 4]
        at = now - 30 * DAY + number * 2 * DAY
        made = Experience(
            id=f"m{number:016x}", kind=kind, task=task, steps=(Step("assistant", text),), outcome="done",
            reward=chance.choice((None, 1.0, 1.0, 0.0)), scope=scope, session=f"s{number // 5}", source="assistant",
            agent=chance.choice(("claude-code", "codex", "gemini-cli")), time=at,
        )  # fmt: skip
        await log.append(scope, "experience", made.to_json(), at)
        ids.append((made.id, scope))
    questions = QuestionLog.open(machine.home.questions, Redactor.of_home(machine.home.redaction_key), 1000)
    for number in range(60):
        at = now - 20 * DAY + number * DAY / 3
        shown = chance.sample([each for each, scope in ids if scope in (project, USER_SCOPE)], 3)
        text = QUESTIONS[number % len(QUESTIONS)]
        questions.note(Question(at, log.head(project), (project, USER_SCOPE), text, "", 8, tuple(shown)))
        if number % 2:
            signal = "harmful" if chance.random() < 0.2 else "helpful"
            scope = dict(ids)[shown[0]]
            await log.append(scope, "feedback", {"experiences": [shown[0]], "signal": signal}, at + 60)
    await questions.close()
    await log.close()


def _search(machine, now):
    """A run of twenty-odd designs over made tasks: a tree with stepping stones, eliminated ones, failures."""
    chance = random.Random(3)
    seeds = [bundled_designs()[name] for name in ("no_memory", "trajectory_retrieval", "lexical", "hybrid")]
    levels = {"no_memory": 0.02, "trajectory_retrieval": 0.42, "lexical": 0.55, "hybrid": 0.62}
    with Archive(machine.home.archive, DesignStore(machine.home.designs)) as archive:
        found = {}
        for place, seed in enumerate(seeds):
            archive.add(seed, "seed", "", [], now - 2 * DAY + place)
            found[seed.name] = (seed, levels[seed.name])
            archive.judge(seed.id, "locomo", "search", _scored(seed, levels[seed.name], chance))
        run = archive.journal.begin(
            SearchSettings(benchmark="locomo", candidates=5).model_dump_json(), 4, "locomo", [each.id for each in seeds]
        )
        for number in range(20):
            parent, level = chance.choice([each for name, each in found.items() if name != "no_memory"])
            name = f"recombine-{number + 1:02d}"
            made = Design(f'{parent.source}\n\nVARIANT = "{name}"\n', name)
            archive.add(made, "recombine", f"{parent.name} with other weights", [parent.id], now - DAY + 600 * number)
            step = f"{number // 5 + 1}.{number % 5 + 1}"
            fails = number % 7 == 3
            archive.journal.record(run, step, {"design": made.id, "outcome": "rejected" if fails else "evaluated"})
            archive.journal.spend(run, step, Cost("design", "", 0, 0, 0.0, TASKS))
            if fails:
                reason = "KeyError: 'session' in retrieve"
                archive.judge(made.id, "locomo", "search", Rejection(made.id, "smoke", reason))
                continue
            mine = min(0.9, max(0.05, level + chance.uniform(-0.16, 0.14)))
            if number % 5 == 2:
                verdict = _scored(made, mine, chance, tasks=6, eliminated="proxy", estimate=mine)
            else:
                verdict = _scored(made, mine, chance)
                found[name] = (made, mine)
            archive.judge(made.id, "locomo", "search", verdict)
        archive.teach(made.id, [Lesson("Names are worth more than dates.", 3, 1)])
        for number in range(4):
            archive.journal.finish_round(run, number + 1)


def _scored(design, level, chance, tasks=TASKS, eliminated="", estimate=None):
    results = [
        TaskResult(f"task-{number}", f"talk-{number % 8}", {METRIC: float(chance.random() < level)}, 180, 4.0, seed=0)
        for number in range(tasks)
    ]
    return Evaluation(
        design.id, design.name, "locomo", "search", METRIC, results, eliminated=eliminated, estimate=estimate
    )
