import json

import pytest

from alma_mcp.contract import Experience, MemoryItem, Query, Retrieval
from alma_mcp.errors import DataMissing
from evolve.benchmarks import SPLITS, Task
from evolve.benchmarks.git_history import GitHistory
from evolve.benchmarks.locomo import Locomo
from evolve.benchmarks.splits import block_of_time, split_of

PUBLISHED = [f"conv-{number}" for number in (26, 30, 41, 42, 43, 44, 47, 48, 49, 50)]


def answering(*ids):
    async def recall(query: Query) -> Retrieval:
        return Retrieval(tuple(MemoryItem("text", 1.0, (each,)) for each in ids))

    return recall


def parts(scope):
    experiences = [moment for moment in scope.moments if isinstance(moment, Experience)]
    return experiences, [moment for moment in scope.moments if isinstance(moment, Task)]


def test_the_published_conversations_are_spread_four_three_three():
    splits = [split_of(name) for name in PUBLISHED]
    assert [splits.count(split) for split in ("search", "validation", "gate")] == [4, 3, 3]


def test_no_conversation_is_in_two_splits(locomo_file):
    names = {split: {scope.name for scope in Locomo(locomo_file).scopes(split)} for split in SPLITS}
    assert names["search"] | names["validation"] | names["gate"] == names["all"]
    assert len(names["all"]) == sum(len(names[split]) for split in ("search", "validation", "gate"))


def test_a_conversation_is_taken_in_in_order_of_time_and_then_asked(locomo_file):
    scope = Locomo(locomo_file).scopes("search")[0]
    experiences, tasks = parts(scope)
    assert [each.time for each in experiences] == sorted(each.time for each in experiences)
    assert len(experiences) == len(tasks) == 6
    assert "a photo of a violin" in experiences[0].text


def test_a_design_is_shown_no_answer_and_no_id_that_tells_anything(locomo_file):
    scope = Locomo(locomo_file).scopes("search")[0]
    experiences, tasks = parts(scope)
    for experience in experiences:
        assert "session" not in experience.id
        assert "D1" not in json.dumps(experience.to_json())
    assert all("D" + str(number) not in task.query.text for number, task in enumerate(tasks))


async def test_recall_counts_the_share_of_evidence_sessions(locomo_file):
    benchmark = Locomo(locomo_file)
    scope = benchmark.scopes("search")[0]
    experiences, tasks = parts(scope)
    right, wrong = next(iter(tasks[0].answer)), experiences[5].id
    first = (await benchmark.play(scope, tasks[0], answering(right, wrong))).metrics
    second = (await benchmark.play(scope, tasks[0], answering(wrong, right))).metrics
    assert (first["recall@1"], second["recall@1"], second["recall@3"]) == (1.0, 0.0, 1.0)
    assert (await benchmark.play(scope, tasks[0], answering())).metrics["recall@10"] == 0.0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file"),
        ('[{"sample_id": "made-0", "conv', "Cannot read"),
        ('{"a": 1}', "not in LoCoMo's format"),
        ('[{"sample_id": "made-0"}]', "not in LoCoMo's format"),
        ("[]", "has no conversation"),
    ],
)
def test_bad_data_is_told_in_a_sentence_with_the_source(tmp_path, content, sentence):
    path = tmp_path / "data.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataMissing, match=sentence) as told:
        Locomo(path).scopes("all")
    assert "github.com/snap-research/locomo" in str(told.value)


def test_every_commit_is_asked_before_it_is_remembered(repository):
    scope = GitHistory(repository).scopes("all")[0]
    experiences, tasks = parts(scope)
    remembered: set[str] = set()
    for moment in scope.moments:
        if isinstance(moment, Task):
            assert moment.query.text not in remembered
        else:
            remembered.add(moment.task)
    assert len(tasks) == 34
    assert len(experiences) == 39


def test_later_blocks_of_time_remember_everything_earlier(repository):
    search, gate = (GitHistory(repository).scopes(split)[0] for split in ("search", "gate"))
    asked_early, asked_late = ({task.id for task in parts(scope)[1]} for scope in (search, gate))
    assert not asked_early & asked_late
    first_task = next(index for index, moment in enumerate(gate.moments) if isinstance(moment, Task))
    assert first_task > len(parts(search)[0])


async def test_files_are_ranked_by_the_commits_that_came_back(repository):
    benchmark = GitHistory(repository)
    scope = benchmark.scopes("all")[0]
    experiences, tasks = parts(scope)
    same_part = next(each for each in experiences if each.task.split()[2] == tasks[0].query.text.split()[2])
    assert (await benchmark.play(scope, tasks[0], answering(same_part.id))).metrics["recall@10"] == 1.0
    assert (await benchmark.play(scope, tasks[0], answering("unknown"))).metrics["recall@10"] == 0.0


def test_a_folder_without_history_is_told_in_a_sentence(tmp_path):
    with pytest.raises(DataMissing, match="no git repository"):
        GitHistory(tmp_path).scopes("all")


def test_blocks_of_time_follow_one_another_without_a_gap():
    things = list(range(17))
    edges = [block_of_time(things, split) for split in ("search", "validation", "gate")]
    assert edges[0][0] == 0
    assert edges[0][1] == edges[1][0]
    assert edges[1][1] == edges[2][0]
    assert edges[2][1] == 17
