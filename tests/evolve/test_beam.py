import gzip
import json
import tarfile
import zlib

import pytest
from made import TOPICS, chat, moments_of, name_in, passing, write_beam

from alma_mcp.errors import DataMissing
from evolve.benchmarks import SPLITS
from evolve.benchmarks.beam import Beam
from evolve.benchmarks.splits import split_of

CHAT = name_in("search", 0)


@pytest.fixture
def folder(tmp_path):
    return write_beam(tmp_path / "chats")


def packed(folder, path):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "beam/100K")
    return path


def one(tmp_path, files):
    """The benchmark over one chat, and its scope."""
    benchmark = Beam(write_beam(tmp_path / "one", {CHAT: files}))
    return benchmark, benchmark.scopes("all")[0]


def numbers(answer, experiences):
    """The numbers of the messages of an answer: they are taken in in their order."""
    return {number for number, experience in enumerate(experiences) if experience.id in answer}


def test_a_folder_and_an_archive_of_it_are_the_same_chats(folder, tmp_path):
    archive = packed(folder, tmp_path / "chats.tar.gz")
    for split in SPLITS:
        assert Beam(archive).scopes(split) == Beam(folder).scopes(split)
    assert len(Beam(archive).scopes("all")) == 6
    assert len(Beam(archive, chats=2).scopes("all")) == 2


def test_messages_are_taken_in_one_by_one_in_their_order_and_then_the_chat_is_asked(folder):
    scope = Beam(folder).scopes("search")[0]
    experiences, tasks = moments_of(scope)
    assert [*experiences, *tasks] == scope.moments
    assert [TOPICS[number // 2] in each.text for number, each in enumerate(experiences)] == [True] * 2 * len(TOPICS)
    assert [step.actor for each in experiences for step in each.steps] == ["user", "assistant"] * len(TOPICS)
    times = [each.time for each in experiences]
    assert times == sorted(set(times))
    assert {task.query.time for task in tasks} == {times[-1]}
    assert [each.session for each in experiences[:6]] == [f"{scope.name}:1"] * 4 + [f"{scope.name}:2"] * 2


def test_gold_is_a_number_a_list_or_lists_by_name(tmp_path):
    gold = {"number": 3, "list": [1, 2], "nested": [[0], [5, 6]], "by name": {"old": [4], "new": [7, 8], "last": 9}}
    _, scope = one(tmp_path, chat(gold=gold))
    experiences, tasks = moments_of(scope)
    answers = {task.category: numbers(task.answer, experiences) for task in tasks}
    assert answers == {"number": {3}, "list": {1, 2}, "nested": {0, 5, 6}, "by name": {4, 7, 8, 9}}


def test_questions_without_gold_messages_are_left_out(tmp_path):
    gold = {"known": [1], "nothing": [], "null": None, "elsewhere": [999], "half": [2, 999]}
    _, scope = one(tmp_path, chat(gold=gold))
    experiences, tasks = moments_of(scope)
    assert {task.category: numbers(task.answer, experiences) for task in tasks} == {"known": {1}, "half": {2}}
    assert not any("piano" in task.query.text for task in tasks)


def test_the_marks_of_the_plan_are_taken_off_and_nothing_else(folder):
    experiences, _ = moments_of(Beam(folder).scopes("search")[0])
    said = [step.text for each in experiences for step in each.steps]
    assert said[:2] == ["I keep the violin in room 0.", "Noted: violin.\nx ->-> y\nWhat else?"]
    assert not any(text.endswith(",1") for text in said)


def test_no_id_of_an_experience_tells_its_number_or_its_chat(folder):
    seen = set()
    for scope in Beam(folder).scopes("all"):
        experiences, tasks = moments_of(scope)
        ids = [each.id for each in experiences]
        assert not any(scope.name in each for each in ids)
        assert all(len(each) == 17 and int(each[1:], 16) > 10**6 for each in ids)
        assert sorted(ids) != ids
        assert not any("source_chat_ids" in json.dumps(each.to_json()) for each in experiences)
        assert not any(task.query.context for task in tasks)
        seen.update(ids)
    assert len(seen) == 6 * 2 * len(TOPICS)


async def test_what_counts_is_given_for_each_ability_and_for_the_chats_about_coding(folder):
    benchmark = Beam(folder)
    about = {}
    for scope in benchmark.scopes("all"):
        experiences, tasks = moments_of(scope)
        task = next(task for task in tasks if task.category == "knowledge update")
        right, wrong = sorted((each.id for each in experiences), key=lambda each: each not in task.answer)[:4][2:]
        metrics = (await benchmark.play(scope, task, passing(wrong, right))).metrics
        about.setdefault(scope.facts["about"], set()).update(metrics)
        assert metrics["any@10"] == metrics["any@10 knowledge update"] == 1.0
        assert metrics["ndcg@10"] == metrics["ndcg@10 knowledge update"] < 1.0
    parts = {"any@10", "ndcg@10", "any@10 knowledge update", "ndcg@10 knowledge update"}
    assert about == {"Travel": parts, "Coding": parts | {"any@10 coding chats", "ndcg@10 coding chats"}}


async def test_one_gold_message_among_the_first_ten_is_a_hit_and_ndcg_counts_all(tmp_path):
    benchmark, scope = one(tmp_path, chat(gold={"x": [0, 1]}))
    experiences, (task,) = moments_of(scope)
    first, second, *wrong = (each.id for each in experiences)
    both = (await benchmark.play(scope, task, passing(first, second))).metrics
    tenth = (await benchmark.play(scope, task, passing(*wrong[:9], second))).metrics
    late = (await benchmark.play(scope, task, passing(*wrong, first, second))).metrics
    assert (both["any@10"], both["ndcg@10"]) == (1.0, 1.0)
    assert tenth["any@10"] == 1.0
    assert 0.0 < tenth["ndcg@10"] < 0.3
    assert (late["any@10"], late["ndcg@10"]) == (0.0, 0.0)


def test_a_chat_stays_in_its_split_and_is_the_cluster_of_its_questions(folder):
    names = {split: {scope.name for scope in Beam(folder).scopes(split)} for split in SPLITS}
    assert all(split_of(name) == split for split in ("search", "validation", "gate") for name in names[split])
    assert names["all"] == names["search"] | names["validation"] | names["gate"]
    for scope in Beam(folder).scopes("all"):
        assert {task.cluster for task in moments_of(scope)[1]} == {scope.name}


@pytest.mark.parametrize("damage", ["cut in half", "cut at its end", "bytes changed"])
def test_a_damaged_archive_is_told_in_a_sentence(folder, tmp_path, damage):
    (folder / "plan.txt").write_bytes(b"long " * 100_000)
    path = packed(folder, tmp_path / "chats.tar.gz")
    content = path.read_bytes()
    match damage:
        case "cut in half":
            path.write_bytes(content[: len(content) // 2])
        case "cut at its end":
            path.write_bytes(content[:-200])
        case "bytes changed":
            packer = zlib.compressobj(wbits=31)
            whole = gzip.decompress(content)
            begun = packer.compress(whole[: len(whole) // 2]) + packer.flush(zlib.Z_FULL_FLUSH)
            path.write_bytes(begun + b"\xff" * 100)  # no block of compressed bytes begins so
    with pytest.raises(DataMissing, match=r"Cannot read .*chats.tar.gz .*get it again from https://"):
        Beam(path).scopes("all")


def without(name, **changed):
    return {file: content for file, content in (chat() | changed).items() if file != name}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (without("probing_questions"), "not in BEAM's format .KeyError.'probing_questions'"),
        (without("topic"), "not in BEAM's format .KeyError.'topic'"),
        (without("chat"), "not in BEAM's format .KeyError.'chat'"),
        (without("", chat=[]), "not in BEAM's format"),
        (without("", chat={"conversation": []}), "not in BEAM's format"),
        (without("", chat=[{"turns": [[{"role": "user"}]]}]), "not in BEAM's format"),
        (without("", probing_questions=[1]), "not in BEAM's format"),
    ],
)
def test_another_format_is_told_in_a_sentence(tmp_path, files, sentence):
    with pytest.raises(DataMissing, match=sentence) as told:
        Beam(write_beam(tmp_path / "one", {CHAT: files})).scopes("all")
    assert "github.com/mohammadtavakoli78/BEAM" in str(told.value)


def test_a_missing_path_and_a_split_without_chats_are_told_in_a_sentence(tmp_path):
    with pytest.raises(DataMissing, match=r"There is no .*nowhere; get the chats from .* `--data PATH`"):
        Beam(tmp_path / "nowhere").scopes("all")
    with pytest.raises(DataMissing, match="has no chat of the all split"):
        Beam(tmp_path).scopes("all")
    data = write_beam(tmp_path / "one", {CHAT: chat()})
    assert len(Beam(data).scopes("search")) == 1
    with pytest.raises(DataMissing, match="has no chat of the gate split"):
        Beam(data).scopes("gate")
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(DataMissing, match="Cannot read"):
        Beam(tmp_path / "text.tar.gz").scopes("all")
    (data / CHAT / "chat.json").write_text('[{"turns": ')
    with pytest.raises(DataMissing, match=r"not in BEAM's format .JSONDecodeError"):
        Beam(data).scopes("all")


def test_two_chats_of_the_same_name_are_not_taken_for_one(tmp_path):
    for size in ("100K", "500K"):
        write_beam(tmp_path / "chats" / size, {CHAT: chat()})
    with pytest.raises(DataMissing, match=f"two chats named {CHAT}"):
        Beam(tmp_path / "chats").scopes("all")
