"""`alma-evolve export` and `import`: designs go from one home to another, and nothing is believed of them."""

import json
import os

import pytest
from made_archive import HOSTILE, Person, design, evaluation, fill

from alma_mcp.design_store import MAX_SOURCE_BYTES, Design

FAMILY = ("grandchild", "seed", "child", "other")


@pytest.fixture
def giver(tmp_path, capsys):
    person = Person(tmp_path / "giver", capsys)
    with person.archive() as archive:
        fill(archive)
    return person


@pytest.fixture
def taker(tmp_path, capsys):
    return Person(tmp_path / "taker", capsys)


@pytest.fixture
def folder(giver, tmp_path):
    giver.reads("export", *FAMILY, "--to", tmp_path / "passed")
    return tmp_path / "passed"


def card_of(folder, name):
    (path,) = folder.glob(f"{name}-*/card.json")
    return path, json.loads(path.read_text())


def change(folder, name, /, **fields):
    path, card = card_of(folder, name)
    path.write_text(json.dumps({**card, **fields}))
    return path.parent


def test_a_card_has_what_is_known_of_a_design(folder):
    path, card = card_of(folder, "child")
    assert (path.parent / "design.py").read_text() == design("child").source
    assert (card["id"], card["name"], card["proposer"]) == (design("child").id, "child", "openai")
    assert card["hypothesis"] == "child helps"
    assert card["parents"] == [{"id": design("seed").id, "name": "seed"}]
    assert card["lessons"] == [{"line": "Names are worth more than dates.", "held": 3, "failed": 1}]
    assert [(each["split"], each["score"]["mean"]) for each in card["verdicts"]] == [
        ("search", 0.6),
        ("validation", 0.5),
    ]


def test_no_result_of_the_gate_leaves_the_home(giver, tmp_path):
    with giver.archive() as archive:
        made = archive.design(archive.entry("child"))
        archive.judge(made.id, "locomo", "gate", evaluation(made, {"secret": 0.987}, split="gate"))
    giver.reads("export", "child", "--to", tmp_path / "passed")
    assert [each["split"] for each in card_of(tmp_path / "passed", "child")[1]["verdicts"]] == ["search", "validation"]


def test_what_was_exported_is_taken_in_with_code_lineage_and_hypothesis(taker, folder):
    text = taker.reads("import", folder)
    assert "Scores and lessons were left" in text
    with taker.archive() as archive:
        entries = {each.name: each for each in archive.entries()}
        assert set(entries) == set(FAMILY)
        assert archive.design(entries["child"]).source == design("child").source
        assert entries["child"].hypothesis == "child helps"
        assert entries["grandchild"].parents == (design("child").id, design("other").id)
        assert entries["child"].proposer == "import"


def test_no_score_and_no_lesson_is_taken_over(taker, folder):
    taker.reads("import", folder)
    with taker.archive() as archive:
        assert [archive.verdicts(each.id) for each in archive.entries()] == [[], [], [], []]
        assert [archive.lessons(each.id) for each in archive.entries()] == [[], [], [], []]


def test_one_design_is_taken_in_without_the_parents_that_are_not_here(taker, folder):
    data = taker.asks("import", card_of(folder, "grandchild")[0].parent)
    assert data == [{"id": design("grandchild").id, "name": "grandchild", "new": True}]
    with taker.archive() as archive:
        assert archive.entry("grandchild").parents == ()


def test_what_is_here_already_stays_as_it_is(giver, folder):
    data = giver.asks("import", folder)
    assert [each["new"] for each in data] == [False] * 4
    with giver.archive() as archive:
        assert archive.entry("child").proposer == "openai"
        assert len(archive.verdicts(design("child").id)) == 2


def test_as_data_an_export_names_its_folders(giver, tmp_path):
    data = giver.asks("export", "child", "seed", "child", "--to", tmp_path / "passed")
    assert [each["name"] for each in data] == ["child", "seed"]
    assert all((tmp_path / "passed" / each["folder"] / "design.py").exists() for each in data)


def test_a_name_cannot_take_the_place_of_another_design(taker, folder):
    with taker.archive() as archive:
        archive.add(Design("mine = 1\n", "seed"), "test", "", [], 0.0)
    change(folder, "child", name=Design("mine = 1\n").short)
    change(folder, "other", name=HOSTILE * 10)
    taker.reads("import", folder)
    with taker.archive() as archive:
        assert archive.entry("seed").id == Design("mine = 1\n").id
        assert archive.entry(Design("mine = 1\n").short).name == "seed"
        names = [each.name for each in archive.entries()]
        assert f"seed-import-{design('seed').short}" in names
        assert all(len(name) < 120 and name.isprintable() for name in names)


def test_code_that_was_changed_after_the_export_is_refused_with_all_of_the_folder(taker, folder):
    (card_of(folder, "child")[0].parent / "design.py").write_text("import os\n")
    assert "one of them was changed after the export; nothing was taken in" in taker.is_told("import", folder)
    assert taker.asks("archive") == []
    assert taker.asks("status")["designs"] == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"id": "../../../etc/passwd"}, "is no card of a design: id"),
        ({"name": 7}, "is no card of a design: name"),
        ({"hypothesis": "x" * 30_000}, "is no card of a design: hypothesis"),
        ({"parents": [{"id": "/etc/passwd"}]}, "is no card of a design: parents.0.id"),
        ({"format": 2}, "is no card of a design: format"),
        ({"lessons": ["x" * 2_000_000]}, "larger than 1,048,576 bytes"),
        ({"parents": [{"id": design("child").id}]}, "each other's ancestors: child; nothing was taken in"),
    ],
)
def test_a_card_that_is_none_is_refused_in_a_sentence(taker, folder, fields, sentence):
    assert sentence in taker.is_told("import", change(folder, "child", **fields))


def test_a_card_that_is_no_json_is_refused_in_a_sentence(taker, folder):
    path = card_of(folder, "child")[0]
    path.write_text("[" * 100_000)
    assert "is no card of a design" in taker.is_told("import", path.parent)


def test_a_path_in_a_card_is_never_followed(taker, folder, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    taker.reads("import", change(folder, "child", source=str(secret), design=str(secret)))
    with taker.archive() as archive:
        assert archive.design(archive.entry("child")).source == design("child").source


@pytest.mark.parametrize("name", ["design.py", "card.json"])
def test_a_link_is_never_followed(taker, folder, tmp_path, name):
    path = card_of(folder, "child")[0].parent / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "It must be a plain file" in taker.is_told("import", path.parent)


def test_a_pipe_is_no_design_and_is_not_waited_for(taker, folder):
    path = card_of(folder, "child")[0].parent / "design.py"
    path.unlink()
    os.mkfifo(path)
    assert "is no plain file" in taker.is_told("import", path.parent)


def test_a_design_that_is_too_large_or_no_text_is_refused(taker, folder):
    path = card_of(folder, "child")[0].parent / "design.py"
    path.write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    assert "larger than 262,144 bytes" in taker.is_told("import", path.parent)
    path.write_bytes(b"\xff")
    assert "is not UTF-8 text" in taker.is_told("import", path.parent)


def test_a_folder_without_designs_says_what_writes_one(taker, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "alma-evolve export DESIGN --to FOLDER" in taker.is_told("import", tmp_path / "empty")
    assert "go with a file" in taker.is_told("import", tmp_path / "empty", "--name", "mine")


def test_a_folder_that_cannot_be_written_is_a_sentence(giver, tmp_path):
    (tmp_path / "file").write_text("")
    assert "Cannot write" in giver.is_told("export", "child", "--to", tmp_path / "file" / "below")
