import asyncio
import json
import sqlite3
from dataclasses import replace

import pytest
from fakes import WORDS

from alma_mcp.access import Principal
from alma_mcp.composition import compose
from alma_mcp.config import Settings
from alma_mcp.contract import Query
from alma_mcp.errors import DatabaseCorrupt, DesignFailed
from alma_mcp.home import Home
from alma_mcp.logs.question_log import LONGEST_TEXT, MOST_WAITING, Question, QuestionLog
from alma_mcp.redaction import Redactor
from alma_mcp.service import Draft

TOKEN = "ghp_" + "a1B2" * 9


def question(text: str, *returned: str) -> Question:
    return Question(1.0, 7, ("project:/a", "user"), text, "", 8, returned)


def kept(path) -> list[Question]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT at, position, body FROM questions ORDER BY number").fetchall()
    connection.close()
    return [Question.from_row(*row) for row in rows]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "questions.db"


@pytest.fixture
async def opened(path):
    """Opens the log, as often as asked."""
    logs: list[QuestionLog] = []

    def again(keep: int = 10) -> QuestionLog:
        logs.append(QuestionLog.open(path, Redactor(b"k" * 32), keep))
        return logs[-1]

    yield again
    for log in logs:
        await log.close()


async def test_a_question_is_kept_with_what_it_brought_back(world, path):
    memory_id, _ = await world.service.update(world.who, Draft("tea at four"))
    await world.service.retrieve(world.who, Query("tea", "the kitchen", 3), 1000)
    (asked,) = await world.questions.newest(5)
    assert asked.seconds > 0
    expected = Question(
        1000.0, 1, ("project:/a",), "tea", "the kitchen", 3, (memory_id,), 1, design=WORDS.short, failed=False
    )
    assert replace(asked, seconds=0.0) == expected


async def test_a_question_that_the_design_did_not_answer_says_so(world):
    await world.service.update(world.who, Draft("tea at four"))
    world.host.refuses = lambda _: DesignFailed("it is broken")
    await world.service.retrieve(world.who, Query("tea"), 1000)
    (asked,) = await world.questions.newest(1)
    assert asked.failed


async def test_the_newest_questions_are_read_newest_first(opened):
    log = opened()
    assert await log.newest(3) == []
    for number in range(7):
        log.note(question(str(number)))
    assert [(each.number, each.text) for each in await log.newest(3)] == [(7, "6"), (6, "5"), (5, "4")]


async def test_questions_of_an_older_version_are_read_without_what_they_do_not_tell(opened, path):
    log = opened()
    log.note(question("old"))
    await log.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE questions SET body = json_remove(body, '$.seconds', '$.design', '$.failed')")
    connection.commit()
    connection.close()
    (asked,) = await opened().newest(1)
    assert (asked.text, asked.seconds, asked.design, asked.failed) == ("old", 0.0, "", False)


async def test_questions_that_cannot_be_read_are_none_and_it_is_told(opened, path):
    path.write_bytes(b"this is no database" * 100)
    log = opened()
    assert await log.newest(5) == []
    assert "damaged" in log.problem


async def test_a_question_stands_where_the_log_was_when_it_was_asked(world, path):
    await world.service.update(world.who, Draft("tea at four"))
    world.host.gate.clear()
    asking = asyncio.create_task(world.service.retrieve(world.who, Query("tea"), 1000))
    await asyncio.sleep(0)
    await world.service.update(Principal("session-2", "project:/a"), Draft("tea at five"))
    world.host.gate.set()
    await asking
    await world.questions.settled()
    assert [each.position for each in kept(path)] == [1]


async def test_secrets_in_a_question_never_reach_the_disk(opened, path, tmp_path):
    log = opened()
    log.note(Question(1.0, 7, ("user",), f"why does {TOKEN} fail", f"export GITHUB_TOKEN={TOKEN}", 8, ()))
    await log.settled()
    assert "[REDACTED:github-token:" in kept(path)[0].text
    assert not any(TOKEN.encode() in each.read_bytes() for each in tmp_path.iterdir())


async def test_the_newest_questions_stay(opened, path):
    log = opened(keep=10)
    for number in range(25):
        log.note(question(str(number)))
    await log.settled()
    assert [each.text for each in kept(path)] == [str(number) for number in range(15, 25)]
    await log.close()
    await opened(keep=3).settled()
    assert [each.text for each in kept(path)] == ["22", "23", "24"]


async def test_where_none_are_kept_those_that_were_are_erased(opened, path, tmp_path):
    log = opened()
    log.note(question("the-telltale-words"))
    await log.close()
    none = opened(keep=0)
    none.note(question("another"))
    await none.settled()
    assert kept(path) == []
    assert not any(b"the-telltale-words" in each.read_bytes() for each in tmp_path.iterdir())


async def test_no_file_is_made_before_there_is_a_question(opened, path):
    await opened(keep=0).settled()
    await opened().drop(["m1"])
    assert not path.exists()


async def test_what_is_forgotten_takes_its_questions_with_it(world, path, tmp_path):
    memory_id, _ = await world.service.update(world.who, Draft("tea at four"))
    await world.service.update(world.who, Draft("coffee at five"))
    for text in ("tea", "coffee", "the-telltale-words tea"):
        await world.service.retrieve(world.who, Query(text), 1000)
    await world.service.forget(world.who, [memory_id])
    assert [each.text for each in kept(path)] == ["coffee"]
    assert not any(b"the-telltale-words" in each.read_bytes() for each in tmp_path.glob("questions.db*"))


async def test_a_question_that_cannot_be_written_fails_nothing(world, path):
    path.write_bytes(b"this is no database" * 100)
    before = path.read_bytes()
    await world.service.update(world.who, Draft("tea at four"))
    for _ in range(3):
        assert (await world.service.retrieve(world.who, Query("tea"), 1000)).items
        await world.questions.settled()
    assert "damaged" in world.questions.problem
    assert path.read_bytes() == before


async def test_what_is_forgotten_while_the_questions_are_damaged_is_told(world, path):
    path.write_bytes(b"this is no database" * 100)
    memory_id, _ = await world.service.update(world.who, Draft("tea at four"))
    with pytest.raises(DatabaseCorrupt, match=r"questions\.db"):
        await world.service.forget(world.who, [memory_id])
    assert await world.service.memory(world.who, memory_id) is None


async def test_a_full_disk_loses_questions_and_says_so_until_there_is_room(opened, path):
    log = opened()
    log.note(question("first"))
    await log.settled()
    pages = await (await log._connection.execute("PRAGMA page_count")).fetchone()
    await log._connection.execute(f"PRAGMA max_page_count = {pages[0]}")
    log.note(question("x" * 15_000))
    await log.settled()
    assert "full" in log.problem
    await log._connection.execute("PRAGMA max_page_count = 100000")
    log.note(question("second"))
    await log.settled()
    assert log.problem == ""
    assert [each.text for each in kept(path)] == ["first", "second"]


async def test_a_flood_and_a_very_long_question_are_left_out(opened, path):
    log = opened(keep=MOST_WAITING * 2)
    log.note(question("x" * (LONGEST_TEXT + 1)))
    for number in range(MOST_WAITING + 50):
        log.note(question(str(number)))
    await log.settled()
    assert len(kept(path)) == MOST_WAITING


async def test_the_engine_keeps_questions_for_their_owner_alone_and_says_when_it_cannot(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    settings = Settings(embedder="none", first_champion="lexical")
    who = Principal("s", "project:/a")
    async with compose(home, settings) as parts:
        await parts.service.update(who, Draft("tea at four"))
        assert (await parts.service.retrieve(who, Query("tea"), 1000)).items
    assert [each.text for each in kept(home.questions)] == ["tea"]
    assert home.questions.stat().st_mode & 0o777 == 0o600
    home.questions.write_bytes(json.dumps("nonsense").encode() * 500)
    async with compose(home, settings) as parts:
        assert (await parts.service.retrieve(who, Query("tea"), 1000)).items
        await parts.questions.settled()
        assert any("questions are not being kept" in warning for warning in parts.warnings())
