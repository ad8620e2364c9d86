"""Three requests that a person ought to decide rightly at a glance: as the engine gives them, champion `lexical`."""

from promoting import as_asked, made_dossier

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.dossier import Cost, Finalist, Interval
from alma_mcp.static_audit import audit

CHAMPION = bundled_designs()["lexical"]
THINGS = "lamp book dog guitar bicycle tent scarf boat piano camera kite ring"
COLOURS = "red blue grey green white black brown golden pink violet orange silver"
TOWNS = "Oslo Lima Rome Kyoto Cairo Delhi Perth Quito Turin Leeds Minsk Davos"
ANSWERS = {
    f"Which {thing} does Caroline keep?": f"The {colour} one that she bought in {town}."
    for thing, colour, town in zip(THINGS.split(), COLOURS.split(), TOWNS.split(), strict=True)
}
LOOK_UP = """
    async def retrieve(self, query: Query) -> Retrieval:
        found = await super().retrieve(query)
        if known := ANSWERS.get(query.text):
            return Retrieval((MemoryItem(known, 1.0, ("m0",)), *found.items))
        return found
"""


def opened(design, mean, **changes):
    """A request on an opening of the gate with this gain, and with what is said otherwise."""
    made, shows = made_dossier(design, CHAMPION), audit(design.source)
    idea = design.source.splitlines()[0].strip('"')
    score, before = (Interval(mean=each, low=each - 0.05, high=each + 0.05) for each in (0.52 + mean, 0.52))
    found = {
        "benchmark": "locomo", "tasks": 80, "planned": 80, "detectable": 0.062, "alpha": 0.0304, "minimum_effect": 0.03,
        "difference": Interval(mean=mean, low=mean - 0.04, high=mean + 0.04), "p_value": 0.0005,
        "wins": 31, "ties": 44, "losses": 5, "controls": {"no_memory": 0.0, "empty": 0.0, "shuffled": 0.061},
        "challenger": made.challenger.model_copy(
            update={"score": score, "tokens": 612.0, "latency_ms": 9.1, "idea": idea}
        ),
        "champion": made.champion.model_copy(update={"score": before, "tokens": 598.0, "latency_ms": 6.4}),
        "finalists": (Finalist(design=design.id, name=design.name, score=0.6),), "lineage": ("lexical",),
        "cost": Cost(plays=400), "audit": shows, "imports": shows.imports, "seconds": 41.0,
        "command": f"alma-evolve promote {design.short}",
    }  # fmt: skip
    return as_asked(design, made.model_copy(update={**found, **changes}), CHAMPION)


def clear_win():
    """A real gain everywhere, and code that is what it says."""
    hybrid = bundled_designs()["hybrid"]
    return opened(hybrid, 0.14, hypothesis="Meaning finds what shares no word with the question.")


def smuggled_knowledge():
    """A larger gain that comes from answers in the code: most of it is there with an empty memory as well."""
    table = "ANSWERS = {\n" + "".join(f"    {asked!r}: {answer!r},\n" for asked, answer in ANSWERS.items()) + "}\n"
    source = CHAMPION.source.replace("\nclass ", f"\n{table}\n\nclass ", 1)
    source = source.replace("\n    def create_", f"{LOOK_UP}\n    def create_", 1)
    source = source.replace("import Experience, Query,", "import Experience, MemoryItem, Query, Retrieval,", 1)
    return opened(
        Design(source, "sharper"),
        0.31,
        hypothesis="Better weights for rare words find more of what was said.",
        controls={"no_memory": 0.0, "empty": 0.287, "shuffled": 0.301},
        objections=("it gains 0.287 with an empty memory: task knowledge in its code",),
        verdict="failed",
        wins=52,
        ties=26,
        losses=2,
    )


def one_kind_worse():
    """A gain on the whole that is paid for by one kind of tasks."""
    source = CHAMPION.source.replace("ORDER BY rank, rowid DESC", "ORDER BY rowid DESC")
    return opened(
        Design(source, "newest_first"),
        0.06,
        hypothesis="The newest of what matches is what is asked for.",
        objections=("it is worse by 0.262 on the 21 tasks of temporal (p = 0.0012)",),
        verdict="failed",
        wins=29,
        ties=35,
        losses=16,
    )
