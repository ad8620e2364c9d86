import json

import pytest
from made import instance, moments_of, passing, write_swebench

from alma_mcp.contract import Experience
from alma_mcp.errors import DataMissing
from evolve.benchmarks import SPLITS, Task
from evolve.benchmarks.swebench_stream import SwebenchStream


@pytest.fixture
def data(tmp_path):
    return write_swebench(tmp_path / "instances.json")


def of(tmp_path, *instances):
    benchmark = SwebenchStream(write_swebench(tmp_path / "few.json", instances))
    return benchmark, benchmark.scopes("all")


def test_an_array_and_lines_are_the_same_stream(data, tmp_path):
    lines = write_swebench(tmp_path / "instances.jsonl", lines=True)
    for split in SPLITS:
        assert SwebenchStream(lines).scopes(split) == SwebenchStream(data).scopes(split)


def test_each_repository_is_a_memory_in_order_of_time(data):
    scopes = SwebenchStream(data).scopes("all")
    assert [scope.name for scope in scopes] == ["made/kiln", "made/loom"]
    for scope in scopes:
        experiences, tasks = moments_of(scope)
        assert [each.task for each in experiences] == [
            instance(scope.name, number)["problem_statement"] for number in range(12)
        ]
        assert [each.time for each in experiences] == sorted({each.time for each in experiences})
        assert {task.cluster for task in tasks} == {scope.name}
    one, other = ({each.id for each in moments_of(scope)[0]} for scope in scopes)
    assert not one & other


@pytest.mark.parametrize("split", SPLITS)
def test_an_issue_is_stored_with_its_fix_only_after_it_was_asked(data, split):
    asked = 0
    for scope in SwebenchStream(data).scopes(split):
        stored = ""
        for number, moment in enumerate(scope.moments):
            if isinstance(moment, Task):
                asked += 1
                assert moment.query.text not in stored
                after = scope.moments[number + 1]
                assert isinstance(after, Experience)
                assert (after.id, after.task) == (moment.id, moment.query.text)
                assert not any(file in moment.query.text + moment.query.context for file in moment.answer)
            else:
                stored += moment.text
    assert asked == {"search": 10, "validation": 6, "gate": 8, "all": 24}[split]


def test_a_later_splits_memory_holds_every_earlier_issue_of_its_repository(data):
    for whole, gate in zip(SwebenchStream(data).scopes("all"), SwebenchStream(data).scopes("gate"), strict=True):
        first = next(number for number, moment in enumerate(gate.moments) if isinstance(moment, Task))
        assert gate.moments[:first] == moments_of(whole)[0][:8]
        assert moments_of(gate)[1] == moments_of(whole)[1][8:]


def test_files_come_from_the_patch_once_each_in_their_order(tmp_path):
    patch = (
        "diff --git a/src/one.py b/src/one.py\n+diff --git a/not.py b/not.py\n"
        "diff --git a/old.py b/new.py\nsimilarity index 90%\ndiff --git a/src/one.py b/src/one.py\n"
    )
    _, (scope,) = of(tmp_path, instance("made/kiln", 0, patch=patch))
    (experience,), (task,) = moments_of(scope)
    assert task.answer == {"src/one.py", "old.py"}
    assert experience.outcome == "src/one.py\nold.py"
    assert scope.facts["files"][task.id] == ["src/one.py", "old.py"]


def test_an_instance_without_a_changed_file_is_remembered_and_not_asked(tmp_path):
    _, (scope,) = of(tmp_path, instance("made/kiln", 0, patch=""), instance("made/kiln", 1))
    assert [len(each) for each in moments_of(scope)] == [2, 1]


def test_no_id_of_an_experience_tells_its_issue(data):
    for scope in SwebenchStream(data).scopes("all"):
        for experience in moments_of(scope)[0]:
            given = json.dumps(experience.to_json())
            assert "made__" not in given
            assert scope.name not in given


async def test_files_are_voted_for_by_the_issues_that_came_back(data):
    benchmark = SwebenchStream(data)
    scope = benchmark.scopes("all")[0]
    experiences, tasks = moments_of(scope)
    task = tasks[6]
    assert task.answer == {"src/violin.py", "src/violin_6.py"}
    right = (await benchmark.play(scope, task, passing(experiences[0].id))).metrics
    wrong = (await benchmark.play(scope, task, passing(experiences[1].id))).metrics
    assert right["recall@10"] == right["ceiling"] == wrong["ceiling"] == 0.5
    assert (wrong["recall@10"], wrong["ndcg@10"]) == (0.0, 0.0)
    assert 0.5 < right["ndcg@10"] < 1.0


def test_the_ceiling_and_popular_files_know_only_earlier_fixes_of_the_same_repository(tmp_path):
    hot = "diff --git a/hot.py b/hot.py\n"
    kiln = [instance("made/kiln", number, patch=hot) for number in range(3)]
    benchmark, (one, other) = of(tmp_path, *kiln, instance("made/loom", 5, patch=hot))
    tasks = moments_of(one)[1]
    assert [one.facts["ceiling"][task.id] for task in tasks] == [0.0, 1.0, 1.0]
    assert [benchmark.popular(one, task) for task in tasks] == [0.0, 1.0, 1.0]
    (alone,) = moments_of(other)[1]
    assert (benchmark.popular(other, alone), other.facts["ceiling"][alone.id]) == (0.0, 0.0)


def test_a_repository_without_a_task_in_the_split_is_left_out(tmp_path):
    few = [instance("made/few", 0), *(instance("made/many", number) for number in range(10))]
    benchmark, scopes = of(tmp_path, *few)
    assert [scope.name for scope in scopes] == ["made/few", "made/many"]
    named = {split: {scope.name for scope in benchmark.scopes(split)} for split in ("search", "validation", "gate")}
    assert sum("made/few" in names for names in named.values()) == 1
    assert all("made/many" in names for names in named.values())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file .*`--data PATH`"),
        (json.dumps([instance("a/b", 0)])[:-30], r"is not JSON; is it cut short\?"),
        ((json.dumps(instance("a/b", 0)) + "\n") * 2 + '{"instance_id": "c', r"is not JSON; is it cut short\?"),
        ("nonsense", "is not JSON"),
        ("[]", "has no instance of the all split"),
        ('[{"sample_id": "conv-1"}]', "not in SWE-bench's format .KeyError"),
        ("[1, 2]", "not in SWE-bench's format .TypeError"),
        (json.dumps([instance("a/b", 0, created_at="yesterday")]), "not in SWE-bench's format .ValueError"),
        (json.dumps([instance("a/b", 0, patch=None)]), "not in SWE-bench's format .TypeError"),
        (json.dumps([instance("a/b", 0, patch="")]), "has no instance of the all split"),
        (b"\xff\xfe[", "Cannot read"),
    ],
)
def test_bad_data_is_told_in_a_sentence_with_where_to_get_it(tmp_path, content, sentence):
    path = tmp_path / "instances.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataMissing, match=sentence) as told:
        SwebenchStream(path).scopes("all")
    assert "huggingface.co/datasets/SWE-bench" in str(told.value)
