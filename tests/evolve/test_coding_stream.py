import json
import re

import pytest
from made import coding_session, moments_of, passing, write_coding_stream

from alma_mcp.contract import Experience
from alma_mcp.errors import DataMissing
from evolve.benchmarks import SPLITS, Task
from evolve.benchmarks.coding_stream import CodingStream


@pytest.fixture
def data(tmp_path):
    return write_coding_stream(tmp_path / "sessions.jsonl")


def only_scope(path, split="all"):
    (scope,) = CodingStream(path).scopes(split)
    return scope


def of(tmp_path, *sessions):
    """The benchmark over these sessions behind twelve others, and its scope."""
    earlier = [coding_session(number) for number in range(12)]
    benchmark = CodingStream(write_coding_stream(tmp_path / "more.jsonl", [*sessions, *earlier]))
    return benchmark, benchmark.scopes("all")[0]


def test_sessions_come_in_order_of_time_whatever_the_order_of_the_file(data):
    experiences, tasks = moments_of(only_scope(data))
    for each in (experiences, [task.query for task in tasks]):
        assert [one.time for one in each] == sorted(one.time for one in each)
    assert [each.task for each in experiences] == [coding_session(number)["prompts"][0] for number in range(30)]


@pytest.mark.parametrize("split", SPLITS)
def test_no_session_is_stored_before_it_is_asked(data, split):
    scope = only_scope(data, split)
    stored: set[str] = set()
    for moment in scope.moments:
        if isinstance(moment, Task):
            assert moment.id not in stored
            assert not any(moment.query.text in earlier for earlier in stored)
        else:
            assert isinstance(moment, Experience)
            stored |= {moment.id, moment.text}
    experiences, tasks = moments_of(scope)
    assert {task.id for task in tasks} <= {each.id for each in experiences}


@pytest.mark.parametrize("turned", [False, True])
def test_a_session_that_was_saved_twice_is_one_and_never_both_stored_and_asked(tmp_path, turned):
    first = coding_session(12, prompts=["Mend the roof"], replies=[], files_committed=["roof.go"], commit_subjects=[])
    again = coding_session(12, prompts=["Mend the roof", "and the door"], files_committed=["door.go", "roof.go"])
    again["session"] = "saved again"
    _, scope = of(tmp_path, *((first, again) if turned else (again, first)))
    experiences, tasks = moments_of(scope)
    (task,) = [task for task in tasks if task.query.text == "Mend the roof"]
    assert task.answer == {"roof.go", "door.go"}
    assert [each.id for each in experiences if "roof" in each.text] == [task.id]
    assert "and the door" in experiences[-1].text
    assert "is mended" in experiences[-1].text
    assert len(scope.moments) == 2 * 13
    assert sorted(scope.facts["files"][task.id]) == ["door.go", "roof.go"]


def test_sessions_with_the_same_prompt_at_another_time_are_two(tmp_path):
    _, scope = of(tmp_path, coding_session(12, prompts=["go on"]), coding_session(13, prompts=["go on"]))
    assert [task.query.text for task in moments_of(scope)[1]].count("go on") == 2


def test_an_experience_holds_prompts_replies_commits_and_files_and_no_id_that_tells_anything(data):
    experiences, _ = moments_of(only_scope(data))
    first = experiences[0]
    assert (first.kind, first.task) == ("session", "Mend the violin for case 0")
    assert [(step.actor, step.text) for step in first.steps] == [
        ("user", "go on"),
        ("assistant", "The violin is mended."),
    ]
    assert first.outcome.splitlines() == ["Mend the violin", "src/violin.go", "src/violin/case0.go"]
    assert not any("s0" in json.dumps(each.to_json()) for each in experiences)


async def test_committed_files_that_nobody_could_know_count_against_recall(data):
    benchmark, scope = CodingStream(data), only_scope(data)
    experiences, tasks = moments_of(scope)
    task = tasks[6]
    assert task.answer == {"src/violin.go", "src/violin/case6.go"}
    same, other = experiences[0].id, experiences[1].id
    best = (await benchmark.play(scope, task, passing(same))).metrics
    assert best["recall@10"] == best["ceiling"] == 0.5
    assert (await benchmark.play(scope, task, passing(other))).metrics["recall@10"] == 0.0
    assert (await benchmark.play(scope, task, passing())).metrics["ndcg@10"] == 0.0
    mixed = (await benchmark.play(scope, task, passing(other, same))).metrics
    assert mixed["recall@10"] == 0.5
    assert 0.0 < mixed["ndcg@10"] < best["ndcg@10"] < 1.0


def test_the_ceiling_is_what_a_memory_of_every_known_right_file_recalls(tmp_path):
    many = [f"{number}.go" for number in range(12)]
    known = coding_session(12, files_committed=many)
    _, scope = of(tmp_path, known, coding_session(13, files_committed=[*many, "a.go", "b.go", "c.go", "d.go"]))
    _, tasks = moments_of(scope)
    ceilings = [scope.facts["ceiling"][task.id] for task in tasks]
    assert ceilings[:7] == [0.0] * 6 + [0.5]
    assert ceilings[-2:] == [0.0, 10 / 16]


def test_popular_files_are_those_most_often_committed_before_and_not_later(tmp_path):
    later = [coding_session(number, files_committed=["hot.go"]) for number in range(12, 16)]
    benchmark, scope = of(tmp_path, *later)
    _, tasks = moments_of(scope)
    assert [benchmark.popular(scope, task) for task in tasks[-4:]] == [0.0, 0.0, 1.0, 1.0]
    # the six topics were committed twice each before them, so once is not enough to be among the first ten
    assert scope.facts["popular"][tasks[-1].id][0] == "hot.go"
    assert scope.facts["popular"][tasks[0].id] == []
    assert len(scope.facts["popular"][tasks[11].id]) == 10
    assert benchmark.popular(scope, tasks[10]) == 0.5


async def test_recall_is_given_by_month_by_length_of_the_prompt_and_cold_or_warm(tmp_path):
    prompts = ["short", "x" * 50, "x" * 199, "x" * 200]
    sessions = [coding_session(number, prompts=[prompts[number % 4]]) for number in range(30)]
    data = write_coding_stream(tmp_path / "sessions.jsonl", sessions)
    benchmark, scope = CodingStream(data), only_scope(data)
    _, tasks = moments_of(scope)
    parts = [set((await benchmark.play(scope, task, passing())).metrics) for task in tasks]
    usual = {"recall@10", "ndcg@10", "ceiling"}
    assert parts[0] - usual == {
        "recall@10 month 2026-01",
        "recall@10 prompt under 50 characters",
        "recall@10 cold start",
    }
    lengths = [next(part for part in each if "prompt" in part) for each in parts[:4]]
    assert lengths == [
        "recall@10 prompt under 50 characters",
        "recall@10 prompt under 200 characters",
        "recall@10 prompt under 200 characters",
        "recall@10 longer prompt",
    ]
    assert ["recall@10 warm" in each for each in parts] == [False] * 20 + [True] * 10
    assert ["recall@10 month 2026-02" in each for each in parts] == [False] * 28 + [True] * 2


def test_splits_are_blocks_of_time_and_later_ones_remember_every_earlier_session(data):
    asked = {split: [task.id for task in moments_of(only_scope(data, split))[1]] for split in SPLITS}
    assert [*asked["search"], *asked["validation"], *asked["gate"]] == asked["all"]
    assert [len(asked[split]) for split in SPLITS] == [12, 9, 9, 30]
    everything = [each.id for each in moments_of(only_scope(data))[0]]
    for split, earlier in (("validation", 12), ("gate", 21)):
        moments = only_scope(data, split).moments
        assert [moment.id for moment in moments[:earlier]] == everything[:earlier]
        assert isinstance(moments[earlier], Task)
    assert len(moments_of(only_scope(data, "search"))[0]) == 12


def test_a_session_without_a_commit_is_remembered_and_not_asked(tmp_path):
    _, scope = of(tmp_path, coding_session(12, prompts=["Only talk"], files_committed=[]))
    experiences, tasks = moments_of(scope)
    assert experiences[-1].task == "Only talk"
    assert "Only talk" not in [task.query.text for task in tasks]


def test_each_session_is_a_cluster_of_its_own(data):
    tasks = moments_of(only_scope(data))[1]
    assert len({task.cluster for task in tasks}) == len(tasks) == 30


def test_a_prompt_may_hold_any_character_that_json_allows(tmp_path):
    strange = "one\u2028two\u0085three\u000bfour"
    _, scope = of(tmp_path, coding_session(12, prompts=[strange]))
    assert moments_of(scope)[1][-1].query.text == strange


GOOD = "".join(json.dumps(coding_session(number)) + "\n" for number in range(12))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file .*`--data PATH`"),
        (GOOD[:-100], r"Line 12 of .* is not JSON; is the file cut short\?"),
        ("nonsense\n" + GOOD, "Line 1 of .* is not JSON"),
        ("", "Line 1 of .* is not JSON"),
        ('{"instance_id": "a"}\n' * 12, "not a file of coding sessions .KeyError"),
        ("[1]\n" * 12, "not a file of coding sessions"),
        (GOOD + json.dumps(coding_session(12, prompts=[])), "not a file of coding sessions .IndexError"),
        (GOOD + json.dumps(coding_session(12, started="yesterday")), "not a file of coding sessions .ValueError"),
        (GOOD.replace('"session"', '"name"'), "not a file of coding sessions .KeyError"),
        (
            re.sub(r'"files_committed": \[.*?\]', '"files_committed": []', GOOD),
            "no session of the all split that commits",
        ),
        ("".join(GOOD.splitlines(keepends=True)[:9]), "has 9 sessions; at least 10 are needed"),
        (b"\xff\xfe{", "Cannot read"),
    ],
)
def test_bad_data_is_told_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "sessions.jsonl"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataMissing, match=sentence):
        CodingStream(path).scopes("all")


def test_two_sessions_that_bear_one_name_are_two_memories(tmp_path):
    twins = [coding_session(20, session="twin"), coding_session(21, session="twin")]
    _, scope = of(tmp_path, *twins)
    experiences, _ = moments_of(scope)
    assert len({each.id for each in experiences}) == len(experiences)
