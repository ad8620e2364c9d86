"""The two protocols of LoCoMo: sessions, and turns."""

import json

import pytest
from made import TOPICS, conversation, moments_of, passing

from evolve.benchmarks.locomo import Locomo

DEPTHS = (1, 3, 5, 10)


@pytest.fixture
def sessions(locomo_file):
    return Locomo(locomo_file)


@pytest.fixture
def turns(locomo_file):
    return Locomo(locomo_file, documents="turns")


def test_a_turn_is_an_experience_with_its_session_and_its_speaker(turns):
    experiences, _ = moments_of(turns.scopes("search")[0])
    assert len(experiences) == 2 * len(TOPICS)
    assert {each.kind for each in experiences} == {"turn"}
    assert [each.steps[0].actor for each in experiences] == ["Ada", "Ben"] * len(TOPICS)
    assert all(len(each.steps) == 1 for each in experiences)
    assert [experiences.index(each) // 2 for each in experiences] == [
        list(dict.fromkeys(one.session for one in experiences)).index(each.session) for each in experiences
    ]
    assert experiences[1].steps[0].text == "How lovely! [shows a photo of a violin]"
    times = [each.time for each in experiences]
    assert times == sorted(set(times))


def test_adversarial_questions_are_asked_of_sessions_alone(sessions, turns):
    asked = {
        each.name: [task.category for task in moments_of(each.scopes("search")[0])[1]] for each in (sessions, turns)
    }
    assert asked["locomo"] == ["temporal", "open-domain", "single-hop", "adversarial", "multi-hop", "temporal"]
    assert asked["locomo_turns"] == ["temporal", "open-domain", "single-hop", "multi-hop", "temporal"]


def test_the_answer_to_a_question_is_the_turns_that_hold_the_evidence(turns):
    experiences, tasks = moments_of(turns.scopes("search")[0])
    for task in tasks:
        (topic,) = [topic for topic in TOPICS if topic in task.query.text]
        (turn,) = [each for each in experiences if each.id in task.answer]
        assert turn.steps[0].text.startswith(f"I began with a {topic}")


def test_evidence_is_read_however_it_is_written_and_what_names_no_turn_is_left_out(tmp_path):
    talk = conversation("made-0")
    evidence = (["D1:1; D2:1"], ["D1:1 D2:2", "D3:1"], ["D1:1", "D99:1"], ["D1"], ["D"], [])
    talk["qa"] = [
        {"question": f"question {number}", "evidence": each, "category": 1} for number, each in enumerate(evidence)
    ]
    path = tmp_path / "one.json"
    path.write_text(json.dumps([talk]))
    asked = {
        documents: {task.query.text[-1]: len(task.answer) for task in moments_of(scope)[1]}
        for documents in ("sessions", "turns")
        for scope in Locomo(path, documents=documents).scopes("all")
    }
    assert asked == {"sessions": {"0": 2, "1": 3, "3": 1}, "turns": {"0": 2, "1": 3}}


async def test_any_at_five_counts_for_turns_and_recall_at_ten_for_sessions(sessions, turns):
    usual = {f"{name}@{depth}" for name in ("recall", "any") for depth in DEPTHS}
    for benchmark, primary in ((sessions, "recall@10"), (turns, "any@5")):
        scope = benchmark.scopes("search")[0]
        experiences, (task, *_) = moments_of(scope)
        (right,) = task.answer
        wrong = [each.id for each in experiences if each.id != right]
        third = (await benchmark.play(scope, task, passing(*wrong[:2], right))).metrics
        assert benchmark.primary == primary
        assert set(third) == usual | {f"{primary} temporal"}
        assert [third[f"any@{depth}"] for depth in DEPTHS] == [0.0, 1.0, 1.0, 1.0]
        sixth = (await benchmark.play(scope, task, passing(*wrong[:5], right))).metrics
        assert (sixth["any@5"], sixth["any@10"]) == (0.0, 1.0)
        assert third[f"{primary} temporal"] == 1.0
        assert sixth[f"{primary} temporal"] == sixth[primary]


def test_nothing_that_a_design_is_given_tells_the_place_of_a_turn(turns):
    for scope in turns.scopes("all"):
        experiences, tasks = moments_of(scope)
        for experience in experiences:
            given = json.dumps([experience.id, experience.session])
            assert "D" not in given
            assert scope.name not in given
        assert not any(set(task.answer) & {task.query.text, task.query.context} for task in tasks)


def test_sessions_are_taken_in_whole_and_share_no_id_with_turns(sessions, turns):
    whole, _ = moments_of(sessions.scopes("search")[0])
    parts, _ = moments_of(turns.scopes("search")[0])
    assert [each.kind for each in whole] == ["conversation"] * len(TOPICS)
    assert [[step.text for step in each.steps] for each in whole] == [
        [step.text for each in parts[2 * n : 2 * n + 2] for step in each.steps] for n in range(len(TOPICS))
    ]
    assert [each.id for each in whole] == list(dict.fromkeys(each.session for each in parts))
    assert not {each.id for each in whole} & {each.id for each in parts}
