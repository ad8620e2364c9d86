import pytest

from alma_mcp.logs.catalogue import Catalogue, Filter, Group
from alma_mcp.logs.experience_log import ExperienceLog


@pytest.fixture
async def log(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    yield log
    await log.close()


async def store(log, name, scope="a", **fields):
    await log.append(scope, "experience", {"id": name, **fields}, 1.0)


async def names(catalogue, wanted=None, size=10, **place):
    page = await catalogue.page(wanted or Filter(), size, **place)
    return [event.body["id"] for event in page.events], page.newer, page.older


async def test_pages_lead_from_the_newest_to_the_oldest_and_back(log):
    for number in range(1, 8):
        await store(log, f"m{number}")
    catalogue = Catalogue(log)
    assert await names(catalogue, size=3) == (["m7", "m6", "m5"], False, True)
    assert await names(catalogue, size=3, before=5) == (["m4", "m3", "m2"], True, True)
    assert await names(catalogue, size=3, before=2) == (["m1"], True, False)
    assert await names(catalogue, size=3, after=1) == (["m4", "m3", "m2"], True, True)
    assert await names(catalogue, size=3, after=4) == (["m7", "m6", "m5"], False, True)
    assert await names(catalogue, size=3, after=7) == ([], False, True)


async def test_only_experiences_that_are_not_forgotten_are_listed(log):
    await store(log, "m1")
    await store(log, "m2")
    await log.append("a", "feedback", {"experiences": ["m2"], "signal": "helpful"}, 2.0)
    await log.append("a", "trust", {"experiences": ["m2"], "trust": 0.0, "by": "person"}, 3.0)
    await log.append("a", "forgetting", {"experiences": ["m1"]}, 4.0)
    catalogue = Catalogue(log)
    assert await names(catalogue) == (["m2"], False, False)
    assert await catalogue.count(Filter()) == 1
    assert await catalogue.one("m1") is None
    assert (await catalogue.one("m2")).scope == "a"
    assert await catalogue.groups() == [Group("a", "", "", 1)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), ["m5", "m4", "m3", "m2", "m1"]),
        (Filter(scope="a"), ["m4", "m2", "m1"]),
        (Filter(kind="fix"), ["m5", "m2"]),
        (Filter(agent="codex"), ["m4", "m3"]),
        (Filter(scope="a", kind="note", agent="codex"), ["m4"]),
        (Filter(kind="nothing like it"), []),
        (Filter(only={"m1", "m5", "unknown"}), ["m5", "m1"]),
        (Filter(scope="a", only={"m1", "m5"}), ["m1"]),
        (Filter(kind="fix", only={"m1", "m5"}), ["m5"]),
        (Filter(only=set()), []),
        (Filter(but={"m1", "m5"}), ["m4", "m3", "m2"]),
        (Filter(kind="fix", but={"m1", "m5"}), ["m2"]),
        (Filter(scope="a", agent="claude-code", but={"m1"}), ["m2"]),
    ],
)
async def test_a_list_is_narrowed_by_scope_kind_agent_and_names(log, wanted, found):
    await store(log, "m1", "a", kind="note", agent="claude-code")
    await store(log, "m2", "a", kind="fix", agent="claude-code")
    await store(log, "m3", "b", kind="note", agent="codex")
    await store(log, "m4", "a", kind="note", agent="codex")
    await store(log, "m5", "b", kind="fix", agent="")
    catalogue = Catalogue(log)
    assert (await names(catalogue, wanted))[0] == found
    assert await catalogue.count(wanted) == len(found)


async def test_the_numbers_of_groups_follow_the_log(log):
    catalogue = Catalogue(log)
    assert await catalogue.groups() == []
    await store(log, "m1", "a", kind="note", agent="codex")
    await store(log, "m2", "a", kind="note", agent="codex")
    await store(log, "m3", "b", kind="fix")
    assert await catalogue.groups() == [Group("a", "note", "codex", 2), Group("b", "fix", "", 1)]
    await log.append("a", "forgetting", {"experiences": ["m1"]}, 4.0)
    assert await catalogue.groups() == [Group("a", "note", "codex", 1), Group("b", "fix", "", 1)]


async def test_what_was_said_about_one_is_told_newest_first(log):
    await store(log, "m1")
    await store(log, "m2")
    await log.append("a", "feedback", {"experiences": ["m1", "m2"], "signal": "helpful"}, 2.0)
    await log.append("a", "feedback", {"experiences": ["m2"], "signal": "harmful"}, 3.0)
    await log.append("a", "trust", {"experiences": ["m1"], "trust": 0.0, "by": "person"}, 4.0)
    await log.append("b", "trust", {"experiences": ["m1"], "trust": 1.0, "by": "person"}, 5.0)
    catalogue = Catalogue(log)
    said = await catalogue.said_about(await catalogue.one("m1"))
    assert [(event.kind, event.at) for event in said] == [("trust", 4.0), ("feedback", 2.0)]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), "INTEGER PRIMARY KEY"),
        (Filter(scope="a"), "events_by_scope"),
        (Filter(kind="fix"), "events_browsed"),
        (Filter(scope="a", agent="codex"), "events_browsed"),
        (Filter(only={"m1"}), "sqlite_autoindex"),
    ],
)
async def test_a_list_reads_an_index_and_not_every_experience(log, wanted, index):
    seen = []
    select = log.select

    async def watched(sql, values):
        seen.append((sql, values))
        return await select(sql, values)

    log.select = watched
    await Catalogue(log).page(wanted, 10)
    ((sql, values),) = seen
    plan = " / ".join(str(row[3]) for row in await select(f"EXPLAIN QUERY PLAN {sql}", values))
    assert index in plan
    assert "SCAN events\n" not in plan.replace(" / ", "\n")
