"""The texts of a shadow report come from the home's own logs, when it is shown."""

import pytest

from alma_mcp.contract import Experience
from alma_mcp.evidence.rehearsal import Performance, Rehearsal, SideBySide
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.logs.question_log import Question, QuestionLog
from alma_mcp.redaction import Redactor
from alma_mcp.review.texts import ReviewTexts

SIDE = Performance(design="d", name="some")


@pytest.fixture
async def log(tmp_path):
    log = await ExperienceLog.open(tmp_path / "experiences.db")
    for name, text in (("m1", "Tea is in the cupboard."), ("m2", "Coffee is on the shelf."), ("m3", "x" * 9000)):
        body = Experience(id=name, task=text).to_json()
        await log.append("user", "experience", body, 1.0)
    yield log
    await log.close()


@pytest.fixture
async def questions(tmp_path):
    questions = QuestionLog.open(tmp_path / "questions.db", Redactor(b"key"), keep=10)
    for text in ("where is the tea?", "where is the coffee?"):
        questions.note(Question(1.0, 3, ("user",), text, "", 3, ()))
    await questions.settled()
    yield questions
    await questions.close()


def rehearsed(*differing):
    questions = tuple(
        SideBySide(question=number, champion=old, challenger=new, champion_ms=1, challenger_ms=1)
        for number, old, new in differing
    )
    return Rehearsal(
        at=1.0, challenger=SIDE, champion=SIDE, scopes=1, events=3, set_aside=0, replay_seconds=1, questions=questions
    )


async def test_questions_and_memories_are_looked_up_where_the_two_answers_differ(log, questions):
    found = await ReviewTexts(questions, log).of(rehearsed((1, ("m1",), ("m2",)), (2, ("m2", "m3"), ("m2", "m3"))))
    assert found == {
        "questions": {"1": "where is the tea?"},
        "memories": {"m1": "Tea is in the cupboard.", "m2": "Coffee is on the shelf."},
    }


async def test_what_is_forgotten_or_no_longer_kept_is_left_out(log, questions):
    await log.append("user", "forgetting", {"experiences": ["m1"]}, 2.0)
    found = await ReviewTexts(questions, log).of(rehearsed((77, ("m1",), ("m2",))))
    assert found == {"questions": {}, "memories": {"m2": "Coffee is on the shelf."}}


async def test_a_long_memory_is_cut(log, questions):
    found = await ReviewTexts(questions, log).of(rehearsed((1, (), ("m3",))))
    assert 100 < len(found["memories"]["m3"]) < 2000
