import json
import subprocess
import sys
from pathlib import Path

import pytest

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import DataMissing
from evolve.benchmarks import SPLITS, Task
from evolve.benchmarks.json_array import CHUNK, elements
from evolve.benchmarks.longmemeval import LongMemEval
from evolve.benchmarks.splits import split_of
from evolve.evaluate import evaluate

ALMA_EVOLVE = Path(sys.executable).parent / "alma-evolve"
TYPES = ("single-session-user", "multi-session", "temporal-reasoning")


def session(text: str, *, has_answer: bool = False) -> list[dict]:
    told = {"role": "user", "content": text}
    return [
        {**told, "has_answer": True} if has_answer else told,
        {"role": "assistant", "content": f"You said: {text}"},
    ]


def question(name: str, kind: str = TYPES[0], answers: int = 1, sessions: int = 8) -> dict:
    """A made question in LongMemEval's format, the youngest session first."""
    ids = [f"answer_{name}_{n}" if n < answers else f"filler_{n}" for n in range(sessions)]
    said = [
        session(f"I painted a {name} blue, time {n}.", has_answer=True) if n < answers else session(f"Filler {n}.")
        for n in range(sessions)
    ]
    return {
        "question_id": name,
        "question_type": kind,
        "question": f"Which colour has the {name}?",
        "question_date": "2023/05/30 (Tue) 23:40",
        "answer": "blue",
        "answer_session_ids": ids[:answers],
        "haystack_dates": [f"2023/05/{20 - n:02d} (Sat) 02:21" for n in range(sessions)],
        "haystack_session_ids": ids,
        "haystack_sessions": said,
    }


def write(path, *questions):
    path.write_text(json.dumps(questions))
    return path


def answering(*ids):
    async def recall(query: Query) -> Retrieval:
        return Retrieval(tuple(MemoryItem("text", 1.0, (each,)) for each in ids))

    return recall


def parts(scope):
    *experiences, task = scope.moments
    assert isinstance(task, Task)
    assert all(isinstance(each, Experience) for each in experiences)
    return experiences, task


@pytest.fixture
def data(tmp_path):
    names = [f"{first}{second}violin" for first in "abcde" for second in "abcdefgh"]
    return write(tmp_path / "lme.json", *(question(name, TYPES[n % 3], 1 + n % 3) for n, name in enumerate(names)))


def one(tmp_path, record, **options):
    return LongMemEval(write(tmp_path / "one.json", record), **options), LongMemEval(
        tmp_path / "one.json", **options
    ).scopes("all")[0]


def test_a_questions_sessions_are_taken_in_in_order_of_time_and_then_it_is_asked(data):
    for scope in LongMemEval(data).scopes("all"):
        experiences, task = parts(scope)
        assert [each.time for each in experiences] == sorted(each.time for each in experiences)
        assert experiences[-1].time < task.query.time


def test_no_experience_given_to_a_design_tells_where_the_answer_is(data):
    for scope in LongMemEval(data, turns="all").scopes("all"):
        experiences, task = parts(scope)
        for experience in experiences:
            given = json.dumps(experience.to_json())
            assert "answer_" not in given
            assert "has_answer" not in given
        assert not any(scope.name in each.id or "filler" in each.id for each in experiences)
        assert "answer" not in task.query.text + task.query.context


def test_the_users_turns_alone_are_remembered_unless_all_are_asked_for(data):
    experiences, _ = parts(LongMemEval(data).scopes("all")[0])
    assert {step.actor for each in experiences for step in each.steps} == {"user"}
    experiences, _ = parts(LongMemEval(data, turns="all").scopes("all")[0])
    assert {step.actor for each in experiences for step in each.steps} == {"user", "assistant"}
    assert LongMemEval(data, turns="all").name != LongMemEval(data).name


def test_a_session_without_a_turn_of_the_user_is_left_out(tmp_path):
    record = question("kayak")
    record["haystack_sessions"][3] = [{"role": "assistant", "content": "Hello?"}]
    _, scope = one(tmp_path, record)
    assert len(parts(scope)[0]) == 7


async def test_recall_any_counts_one_answer_session_among_the_first_five(tmp_path):
    benchmark, scope = one(tmp_path, question("kayak", answers=2))
    experiences, task = parts(scope)
    first, second, *wrong = sorted((each.id for each in experiences), key=lambda each: each not in task.answer)
    hit = (await benchmark.play(scope, task, answering(*wrong[:4], first))).metrics
    miss = (await benchmark.play(scope, task, answering(*wrong[:5], first, second))).metrics
    assert (hit["recall_any@5"], hit["recall_all@5"]) == (1.0, 0.0)
    assert (miss["recall_any@5"], miss["recall_all@5"], miss["recall_all@10"]) == (0.0, 0.0, 1.0)
    assert hit["recall_any@5 single-session-user"] == 1.0


async def test_ndcg_discounts_as_longmemeval_does(tmp_path):
    benchmark, scope = one(tmp_path, question("kayak", answers=2))
    experiences, task = parts(scope)
    first, second, *wrong = sorted((each.id for each in experiences), key=lambda each: each not in task.answer)

    async def ndcg(*ids):
        return (await benchmark.play(scope, task, answering(*ids))).metrics["ndcg_any@10"]

    assert await ndcg(first, second) == 1.0
    assert await ndcg(wrong[0], first) == 0.5
    assert await ndcg(wrong[0], first, wrong[1], second) == 0.75
    assert await ndcg(*wrong) == 0.0


async def test_the_official_metrics_skip_abstention_and_answers_that_no_user_turn_holds(tmp_path):
    unmarked = question("kayak")
    del unmarked["haystack_sessions"][0][0]["has_answer"]
    unmarked["haystack_sessions"][0][1]["has_answer"] = True
    for record in (question("kayak_abs"), unmarked):
        benchmark, scope = one(tmp_path, record)
        metrics = (await benchmark.play(scope, parts(scope)[1], answering())).metrics
        assert set(metrics) == {"recall_any@5", "recall_any@5 single-session-user"}


async def test_an_official_answer_session_is_one_with_a_marked_turn_of_the_user(tmp_path):
    record = question("kayak", answers=2)
    del record["haystack_sessions"][1][0]["has_answer"]
    benchmark, scope = one(tmp_path, record)
    experiences, task = parts(scope)
    marked = next(each.id for each in experiences if "time 0" in each.text)
    assert (await benchmark.play(scope, task, answering(marked))).metrics["recall_all@5"] == 1.0


async def test_a_session_that_is_there_twice_counts_once(tmp_path):
    record = question("kayak")
    for field in ("haystack_session_ids", "haystack_sessions", "haystack_dates"):
        record[field].append(record[field][0])
    benchmark, scope = one(tmp_path, record)
    experiences, task = parts(scope)
    assert len({each.id for each in experiences}) == 9
    assert (await benchmark.play(scope, task, answering(*task.answer))).metrics["ndcg_any@10"] == 1.0


def test_a_question_stays_in_its_split_and_a_few_of_them_are_of_every_type(data):
    names = {split: {scope.name for scope in LongMemEval(data).scopes(split)} for split in SPLITS}
    assert names["all"] == names["search"] | names["validation"] | names["gate"]
    assert all(split_of(name) == split for split in ("search", "validation", "gate") for name in names[split])
    few = LongMemEval(data, questions=12).scopes("all")
    assert {parts(scope)[1].category for scope in few} == set(TYPES)


async def test_a_design_is_scored_beside_its_controls(data, laboratory):
    verdict = await evaluate(bundled_designs()["lexical"], LongMemEval(data, 6), "all", laboratory, controls=True)
    assert verdict.score.mean == 1.0
    assert set(verdict.controls) == {"no_memory", "empty", "random", "most_recent", "shuffled"}
    assert verdict.controls["no_memory"] == verdict.controls["shuffled"] == 0.0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file"),
        ('[{"question_id": "a", "quest', "ends too soon"),
        ('[{"question_id": "a"}, nonsense]', "format|damaged"),
        ('{"a": 1}', "no JSON array"),
        ("", "no JSON array"),
        ('[{"sample_id": "conv-1"}]', "not in LongMemEval's format .question 1: KeyError"),
        ('["text"]', "not in LongMemEval's format"),
        ("[]", "has no question"),
        (json.dumps([question("a") | {"haystack_dates": []}]), "not in LongMemEval's format"),
        (json.dumps([question("a") | {"question_date": "yesterday"}]), "not in LongMemEval's format"),
        (b"\xff\xfe[", "Cannot read"),
    ],
)
def test_bad_data_is_told_in_a_sentence_with_where_to_get_it(tmp_path, content, sentence):
    path = tmp_path / "data.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataMissing, match=sentence) as told:
        LongMemEval(path).scopes("all")
    assert "alma-evolve data longmemeval" in str(told.value)


def test_an_array_is_read_element_by_element_across_the_chunks(tmp_path):
    path = tmp_path / "array.json"
    wanted = [{"text": 'ä\\"],' * length} for length in (1, CHUNK // 3, CHUNK, 5)]
    path.write_text(json.dumps(wanted, indent=1, ensure_ascii=False))
    assert list(elements(path)) == wanted
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ValueError, match="ends too soon"):
        list(elements(path))


def test_the_command_ends_bad_data_with_one_sentence_and_exit_code_1(data, tmp_path):
    evaluating = [ALMA_EVOLVE, "--home", tmp_path, "evaluate", "lexical", "--benchmark", "longmemeval"]
    data.write_bytes(data.read_bytes()[:-100])
    for asked in ([], ["--data", data], ["--data", tmp_path]):
        done = subprocess.run([*evaluating, *asked], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
