import asyncio
import json
import sqlite3

import pytest

from alma_mcp.errors import DatabaseCorrupt, HomeUnusable, StoreError
from alma_mcp.logs.experience_log import APPLICATION_ID, ExperienceLog
from alma_mcp.logs.experience_schema import MIGRATIONS


@pytest.fixture
async def log(tmp_path):
    log = await ExperienceLog.open(tmp_path / "experiences.db")
    yield log
    await log.close()


async def store(log, scope, name, key=""):
    return await log.append(scope, "experience", {"id": name, "text": name}, 1.0, key)


async def test_events_are_read_in_their_order_behind_a_position(log):
    first, _ = await store(log, "a", "one")
    await store(log, "b", "other")
    second, _ = await store(log, "a", "two")
    assert [event.body["id"] for event in await log.read("a", 0, 10)] == ["one", "two"]
    assert [event.position for event in await log.read("a", first, 10)] == [second]
    assert [event.body["id"] for event in await log.latest("a", 1)] == ["two"]
    assert log.head("a") == second
    assert log.counts() == {"a": 2, "b": 1}


async def test_the_same_key_appends_once(log):
    first, new = await store(log, "a", "one", key="session:1")
    again, repeated = await store(log, "a", "another", key="session:1")
    assert (new, repeated) == (True, False)
    assert again == first
    assert len(await log.read("a", 0, 10)) == 1


async def test_what_is_forgotten_is_erased_from_the_disk_and_never_read_again(log, tmp_path):
    await log.append("a", "experience", {"id": "m1", "text": "the-telltale-words"}, 1.0)
    await log.append("a", "forgetting", {"experiences": ["m1"]}, 2.0)
    assert [event.kind for event in await log.read("a", 0, 10)] == ["forgetting"]
    assert await log.experiences(["a"], ["m1"]) == {}
    assert not any(b"the-telltale-words" in path.read_bytes() for path in tmp_path.iterdir())


async def test_an_experience_is_forgotten_in_its_own_scope_only(log):
    await store(log, "a", "one")
    await log.append("b", "forgetting", {"experiences": ["one"]}, 2.0)
    assert list(await log.experiences(["a"], ["one"])) == ["one"]


async def test_many_writers_at_once_lose_nothing(log):
    await asyncio.gather(*(store(log, "a", f"m{number}") for number in range(50)))
    assert len(await log.read("a", 0, 100)) == 50


async def test_a_reopened_log_goes_on_where_it_was(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    position, _ = await store(log, "a", "one")
    await log.close()
    log = await ExperienceLog.open(tmp_path / "e.db")
    assert log.head("a") == position
    assert (await store(log, "a", "two"))[0] > position
    await log.close()


async def test_a_damaged_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "e.db"
    path.write_bytes(b"this is not a database" * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseCorrupt, match="backup"):
        await ExperienceLog.open(path)
    assert path.read_bytes() == before


async def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "e.db"
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA application_id = 7")
        raw.execute("CREATE TABLE t (x)")
    raw.close()
    with pytest.raises(DatabaseCorrupt, match="another program"):
        await ExperienceLog.open(path)


async def test_a_newer_schema_is_refused_with_what_to_do(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    await log.close()
    with sqlite3.connect(tmp_path / "e.db") as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(StoreError, match="update this one"):
        await ExperienceLog.open(tmp_path / "e.db")


async def test_a_path_that_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(HomeUnusable, match="Cannot write"):
        await ExperienceLog.open(tmp_path / "missing" / "e.db")


async def test_a_full_disk_loses_nothing_and_says_so(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    await store(log, "a", "one")
    pages = await (await log._writer.execute("PRAGMA page_count")).fetchone()
    await log._writer.execute(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(HomeUnusable, match="full"):
        await log.append("a", "experience", {"id": "big", "text": "x" * 100_000}, 1.0)
    assert [event.body["id"] for event in await log.read("a", 0, 10)] == ["one"]
    assert log.head("a") == 1
    await log.close()


async def say_trust(log, scope, name, trust, at=3.0, **more):
    return await log.append(scope, "trust", {"experiences": [name], "trust": trust, "by": "person", **more}, at)


async def test_a_change_of_trust_is_kept_and_no_design_sees_it(log):
    first, _ = await store(log, "a", "one")
    await say_trust(log, "a", "one", 0.0)
    second, _ = await store(log, "a", "two")
    said, _ = await say_trust(log, "a", "two", 1.0)
    assert [event.position for event in await log.read("a", 0, 10)] == [first, second]
    assert (log.head("a"), log.counts()) == (second, {"a": 2})
    assert said > second
    assert [(each.experience, each.trust, each.forget_at) for each in await log.trust_changes()] == [
        ("one", 0.0, None),
        ("two", 1.0, None),
    ]


async def test_a_reopened_log_knows_the_same_heads_and_changes_of_trust(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    first, _ = await store(log, "a", "one")
    await say_trust(log, "a", "one", 0.0, forget_at=9.0)
    before = await log.trust_changes()
    await log.close()
    log = await ExperienceLog.open(tmp_path / "e.db")
    assert (log.head("a"), log.counts()) == (first, {"a": 1})
    assert await log.trust_changes() == before
    assert before[0].forget_at == 9.0
    await log.close()


async def test_what_was_said_of_a_forgotten_experience_is_not_told(log):
    await store(log, "a", "one")
    await say_trust(log, "a", "one", 0.0)
    await log.append("a", "forgetting", {"experiences": ["one"]}, 4.0)
    assert await log.trust_changes() == []


async def test_trust_is_changed_in_the_experiences_own_scope_only(log):
    await store(log, "a", "one")
    await say_trust(log, "b", "one", 0.0)
    assert await log.trust_changes() == []


def first_schema(path, rows):
    """A log as the first version of its tables had it, with a hole at its end where a row is no more."""
    with sqlite3.connect(path) as raw:
        raw.executescript(MIGRATIONS[0])
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        raw.execute("PRAGMA user_version = 1")
        raw.executemany("INSERT INTO events (scope, kind, at, body, experience, key) VALUES (?, ?, ?, ?, ?, ?)", rows)
        if rows:
            raw.execute("UPDATE sqlite_sequence SET seq = seq + 7 WHERE name = 'events'")
    raw.close()


def old_rows(count):
    for number in range(count):
        name = f"m{number}"
        body = json.dumps({"id": name, "kind": "note", "agent": "a", "text": f"fact {number}"})
        yield (f"scope {number % 3}", "experience", float(number), body, name, f"key {number}")
        if number % 10 == 0:
            yield (f"scope {number % 3}", "feedback", 1.0, json.dumps({"experiences": [name]}), None, None)
    yield ("scope 0", "experience", 1.0, None, "gone", None)
    yield ("scope 0", "forgetting", 2.0, json.dumps({"experiences": ["gone"]}), None, None)


async def test_an_old_log_is_taken_over_whole(tmp_path):
    rows = list(old_rows(5000))
    first_schema(tmp_path / "e.db", rows)
    log = await ExperienceLog.open(tmp_path / "e.db")
    found = await log.select(
        "SELECT position, scope, kind, at, body, experience, key FROM events ORDER BY position", []
    )
    assert found == [(number, *row) for number, row in enumerate(rows, start=1)]
    assert sum(log.counts().values()) == len(rows)
    assert log.head("scope 0") == len(rows)
    assert (await log.forgettings(0))[0].earliest == len(rows) - 1
    position, _ = await store(log, "scope 0", "new")
    assert position == len(rows) + 8
    assert await store(log, "scope 1", "another", key="key 1") == (3, False)
    await say_trust(log, "scope 0", "m0", 0.0)
    assert [each.experience for each in await log.trust_changes()] == ["m0"]
    await log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["e.db"]


async def test_an_old_log_without_events_is_taken_over_too(tmp_path):
    first_schema(tmp_path / "e.db", [])
    log = await ExperienceLog.open(tmp_path / "e.db")
    assert (await store(log, "a", "one"))[0] == 1
    await log.close()


async def test_an_old_log_that_cannot_be_taken_over_stays_as_it_is(tmp_path):
    first_schema(tmp_path / "e.db", [("a", "experience", 1.0, "this is not JSON", "m1", None)])
    with pytest.raises(StoreError):
        await ExperienceLog.open(tmp_path / "e.db")
    with sqlite3.connect(tmp_path / "e.db") as raw:
        assert raw.execute("SELECT experience FROM events").fetchall() == [("m1",)]
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
    raw.close()
