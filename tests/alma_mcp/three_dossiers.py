"""Three requests that a person ought to decide rightly at a glance: as the engine gives them, champion `lexical`."""

import statistics

from promoting import as_asked, made_dossier

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.evidence.dossier import Ancestor, Cost, DomainResult, Finalist, Interval, SideCost, TaskResult
from alma_mcp.evidence.rehearsal import Performance, Rehearsal, SideBySide
from alma_mcp.evidence.static_audit import audit

CHAMPION = bundled_designs()["lexical"]
AT = 1_790_000_000.0
THINGS = "lamp book dog guitar bicycle tent scarf boat piano camera kite ring"
COLOURS = "red blue grey green white black brown golden pink violet orange silver"
TOWNS = "Oslo Lima Rome Kyoto Cairo Delhi Perth Quito Turin Leeds Minsk Davos"
ANSWERS = {
    f"Which {thing} does the tenant keep?": f"The {colour} one that she bought in {town}."
    for thing, colour, town in zip(THINGS.split(), COLOURS.split(), TOWNS.split(), strict=True)
}
LOOK_UP = """
    async def retrieve(self, query: Query) -> Retrieval:
        found = await super().retrieve(query)
        if known := ANSWERS.get(query.text):
            return Retrieval((MemoryItem(known, 1.0, ("m0",)), *found.items))
        return found
"""
MEMORIES = {
    "m1": "The build was red because the cache of the package index was stale; `make clean` helped.",
    "m2": "Deploy with `make release`; the tag has to be signed.",
    "m3": "Ann prefers small commits, one reason each.",
    "m4": "The tests of the parser need the fixture `grammar.json`, which is made by scripts/grammar.py.",
    "m5": "Since March the staging server is the one in Dublin.",
    "m6": "Before March the staging server was the one in Frankfurt; its certificates are still in the vault.",
    "m7": "Retries hid a race in the queue: two workers took the same job. The fix is the row lock.",
}
QUESTIONS = {
    1: "why does the pipeline fail on a fresh checkout?",
    2: "how do we publish a new version?",
    3: "which server did we use for staging in February?",
    4: "jobs are processed twice, has that happened before?",
    5: "where does grammar.json come from?",
}


def played(*kinds):
    """Results of each task, of kinds with their tasks, wins, what a win gains, losses, and what one costs."""
    results = []
    for kind, tasks, wins, gain, losses, loss in kinds:
        outcomes = [(0.4 + gain, 0.4)] * wins + [(0.75 - loss, 0.75)] * losses
        outcomes += [(0.578, 0.578)] * (tasks - wins - losses)
        results += [
            TaskResult(
                task=f"conv-{number % 7 + 1}/{kind}-{number:02}",
                kind=kind,
                challenger=round(new, 4),
                champion=old,
                plays=2,
            )
            for number, (new, old) in enumerate(outcomes)
        ]
    return tuple(sorted(results, key=lambda each: each.task))


def domains_of(results):
    found = []
    for kind in sorted({each.kind for each in results}):
        of_kind = [each for each in results if each.kind == kind]
        differences = [each.difference for each in of_kind]
        mean, half = statistics.fmean(differences), 1.96 * statistics.stdev(differences) / len(differences) ** 0.5
        sides = {side: statistics.fmean(getattr(each, side) for each in of_kind) for side in ("challenger", "champion")}
        interval = Interval(mean=mean, low=mean - half, high=mean + half)
        found.append(DomainResult(benchmark="locomo", kind=kind, tasks=len(of_kind), difference=interval, **sides))
    return tuple(found)


def opened(design, mean, results, rehearsal, **changes):
    """A request on an opening of the gate with this gain, and with what is said otherwise."""
    made, shows = made_dossier(design, CHAMPION), audit(design.source)
    idea = design.source.splitlines()[0].strip('"')
    score, before = (Interval(mean=each, low=each - 0.05, high=each + 0.05) for each in (0.52 + mean, 0.52))
    outcomes = [each.outcome for each in results]
    figures = {"memory_bytes": 74 * 2**20, "state_bytes": 9 * 2**20, "cost": SideCost(agent_tokens=2140.0)}
    found = {
        "benchmark": "locomo", "tasks": 80, "planned": 80, "detectable": 0.062, "alpha": 0.0304, "minimum_effect": 0.03,
        "difference": Interval(mean=mean, low=mean - 0.04, high=mean + 0.04), "p_value": 0.0005, "opening_id": 3,
        "wins": outcomes.count("win"), "ties": outcomes.count("tie"), "losses": outcomes.count("loss"),
        "controls": {"no_memory": 0.0, "empty": 0.0, "shuffled": 0.061},
        "challenger": made.challenger.model_copy(
            update={"score": score, "tokens": 612.0, "latency_ms": 9.1, "idea": idea, **figures}
        ),
        "champion": made.champion.model_copy(
            update={"score": before, "tokens": 598.0, "latency_ms": 6.4, **figures, "memory_bytes": 61 * 2**20}
        ),
        "finalists": (Finalist(design=design.id, name=design.name, score=0.6),), "lineage": ("lexical",),
        "ancestry": (Ancestor(design=CHAMPION.id, name="lexical", score=0.51),),
        "results": results, "domains": domains_of(results),
        "cost": Cost(plays=400), "audit": shows, "imports": shows.imports, "seconds": 41.0,
        "command": f"alma-evolve promote {design.short}",
    }  # fmt: skip
    dossier = made.model_copy(update={**found, **changes})
    texts = {"questions": QUESTIONS, "memories": MEMORIES}
    who = {"requested_by": "ann", "requested_at": AT - 900, "state": "ready"}
    return as_asked(design, dossier, CHAMPION, rehearsal, texts=texts, **who)


def rehearsed(design, differing, p95=9.8):
    """A rehearsal with 40 questions, of which these differ: by number, the champion's answer and the challenger's."""
    same = ("m1", "m2", "m3")
    questions = [
        SideBySide(question=number, champion=old, challenger=new, champion_ms=5.9, challenger_ms=p95 - 1)
        for number in range(40, 0, -1)
        for old, new in [differing.get(number, (same, same))]
    ]
    return Rehearsal(
        at=AT, scopes=3, events=1284, set_aside=0, replay_seconds=11.7, questions=tuple(questions),
        challenger=Performance(
            design=design.id, name=design.name, p50_ms=p95 / 2, p95_ms=p95, disk_mb=12.4, memory_mb=81.0
        ),
        champion=Performance(
            design=CHAMPION.id, name=CHAMPION.name, p50_ms=3.2, p95_ms=6.6, disk_mb=8.1, memory_mb=62.5
        ),
    )  # fmt: skip


def clear_win():
    """A real gain everywhere, and code that is what it says."""
    hybrid = bundled_designs()["hybrid"]
    gain = 0.4016
    results = played(
        ("multi-hop", 20, 8, gain, 1, 0.25), ("open-domain", 15, 5, gain, 1, 0.25),
        ("single-hop", 24, 10, gain, 1, 0.25), ("temporal", 21, 8, gain, 2, 0.25),
    )  # fmt: skip
    differing = {
        1: (("m2", "m3"), ("m1", "m4", "m2")),
        4: (("m3", "m2"), ("m7", "m3", "m2")),
        5: (("m4",), ("m4", "m1")),
    }
    hypothesis = "Meaning finds what shares no word with the question."
    return opened(hybrid, 0.14, results, rehearsed(hybrid, differing), hypothesis=hypothesis)


def smuggled_knowledge():
    """A larger gain that comes from answers in the code: most of it is there with an empty memory as well."""
    table = "ANSWERS = {\n" + "".join(f"    {asked!r}: {answer!r},\n" for asked, answer in ANSWERS.items()) + "}\n"
    source = CHAMPION.source.replace("\nclass ", f"\n{table}\n\nclass ", 1)
    source = source.replace("\n    def create_", f"{LOOK_UP}\n    def create_", 1)
    source = source.replace("import Experience, Query,", "import Experience, MemoryItem, Query, Retrieval,", 1)
    design, gain = Design(source, "sharper"), 0.4865
    return opened(
        design,
        0.31,
        played(
            ("multi-hop", 20, 14, gain, 1, 0.25), ("open-domain", 15, 9, gain, 0, 0),
            ("single-hop", 24, 16, gain, 0, 0), ("temporal", 21, 13, gain, 1, 0.25),
        ),
        rehearsed(design, {}, p95=6.7),
        hypothesis="Better weights for rare words find more of what was said.",
        controls={"no_memory": 0.0, "empty": 0.287, "shuffled": 0.301},
        objections=("it gains 0.287 with an empty memory: task knowledge in its code",),
        verdict="failed",
    )  # fmt: skip


def one_kind_worse():
    """A gain on the whole that is paid for by one kind of tasks."""
    design = Design(CHAMPION.source.replace("ORDER BY rank, rowid DESC", "ORDER BY rowid DESC"), "newest_first")
    gain = 0.3679
    differing = {
        3: (("m6", "m5"), ("m5",)),
        2: (("m2", "m3"), ("m5", "m3")),
        5: (("m4", "m1"), ("m5", "m1")),
    }
    return opened(
        design,
        0.06,
        played(
            ("multi-hop", 20, 9, gain, 1, 0.25), ("open-domain", 15, 8, gain, 0, 0),
            ("single-hop", 24, 11, gain, 1, 0.25), ("temporal", 21, 1, 0.3, 14, 0.4144),
        ),
        rehearsed(design, differing, p95=5.1),
        hypothesis="The newest of what matches is what is asked for.",
        objections=("it is worse by 0.262 on the 21 tasks of temporal (p = 0.0012)",),
        verdict="failed",
    )  # fmt: skip
