"""`alma-evolve lineage`: the tree in text, as data and as a picture."""

import xml.etree.ElementTree as ET

import pytest
from made_archive import HOSTILE, Person, design, fill

from alma_mcp.design_store import Design
from evolve.archive import Entry
from evolve.views.lineage import grow, stepping_stones, text_tree, with_ancestors
from evolve.views.lineage_svg import draw
from evolve.views.outcome import Outcome

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def person(tmp_path, capsys):
    person = Person(tmp_path / "home", capsys)
    with person.archive() as archive:
        fill(archive)
    return person


def entry(name, *parents):
    return Entry(name, name, "test", "", parents, 0)


def drawn(path):
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    return root, [each.text for each in root.iter(f"{SVG}text")], [each.text for each in root.iter(f"{SVG}title")]


def test_the_tree_shows_every_design_once_under_its_first_parent_with_its_score(person):
    lines = person.reads("lineage").splitlines()
    assert lines[0] == "locomo, search split"
    assert [line.split(" ")[:3] for line in lines[1:3]] == [
        ["seed", design("seed").short, "0.400"],
        ["├─", "child", design("child").short],
    ]
    assert lines[3].startswith(f"│  └─ grandchild {design('grandchild').short} 0.800 [")
    assert lines[3].endswith("(also from other)")
    assert lines[4] == f"└─ slow {design('slow').short} eliminated at proxy, estimate 0.410 recall@10"
    assert lines[6] == f"└─ broken {design('broken').short} rejected at smoke: KeyError: 'x'"
    assert len(lines) == 7


def test_of_one_design_the_tree_shows_what_it_came_from_and_what_came_of_it(person):
    names = [each["name"] for each in person.asks("lineage", "child")["designs"]]
    assert names == ["seed", "child", "grandchild"]
    assert [each["name"] for each in person.asks("lineage", "other")["designs"]] == ["other", "grandchild", "broken"]


def test_as_data_each_design_names_what_it_stands_under(person):
    data = person.asks("lineage", "--benchmark", "locomo")
    found = {each["name"]: each for each in data["designs"]}
    assert data["benchmark"] == "locomo"
    assert (found["grandchild"]["under"], found["grandchild"]["depth"]) == (found["child"]["id"], 2)
    assert found["grandchild"]["parents"] == [found["child"]["id"], found["other"]["id"]]
    assert found["slow"]["status"] == "eliminated"


def test_a_deep_lineage_and_a_wide_one_are_drawn(person):
    deep = [entry("0"), *(entry(f"{number}", f"{number - 1}") for number in range(1, 3000))]
    branches = grow(deep, {})
    assert branches[-1].depth == 2999
    assert len(text_tree(branches)) == 3000
    assert draw(branches, "").count("<g ") == 3000


def test_parents_that_are_unknown_or_go_in_a_circle_lose_no_design():
    branches = grow([entry("a", "b"), entry("b", "a"), entry("c", "gone"), entry("d", "d")], {})
    assert [(each.entry.id, each.depth) for each in branches] == [("c", 0), ("d", 0), ("a", 0), ("b", 1)]
    assert text_tree(branches) == ["", "", "", "└─ "]


def test_a_stepping_stone_is_no_better_than_its_parents_and_something_better_came_of_it():
    scores = {"seed": 0.5, "stone": 0.4, "step": 0.45, "top": 0.6, "dead end": 0.3, "climb": 0.55, "summit": 0.7}
    made = [
        entry("seed"), entry("stone", "seed"), entry("step", "stone"), entry("top", "step"), entry("dead end", "seed"),
        entry("climb", "seed"), entry("summit", "climb"), entry("odd", "gone"),
    ]  # fmt: skip
    outcomes = {name: Outcome("scored", "", "", score) for name, score in scores.items()}
    assert stepping_stones(made, outcomes) == {"stone"}
    assert stepping_stones(made, {}) == frozenset()


def test_designs_come_with_all_that_they_came_from_even_in_a_circle():
    made = [entry("a", "c"), entry("b", "a"), entry("c", "b"), entry("d", "gone"), entry("e", "d")]
    assert [each.id for each in with_ancestors(made, ["b"])] == ["a", "b", "c"]
    assert [each.id for each in with_ancestors(made, ["e"])] == ["d", "e"]


def test_the_picture_is_one_file_with_a_card_for_each_design_and_a_legend(person, tmp_path):
    picture = tmp_path / "lineage.svg"
    person.reads("lineage", "--svg", picture)
    root, texts, titles = drawn(picture)
    assert len(list(root.iter(f"{SVG}g"))) == 6
    for shown in (
        "0.800",
        "about 0.410, out at proxy",
        "at smoke",
        "grandchild ⚭",
        "rejected",
        "locomo, search split",
    ):
        assert shown in texts
    (title,) = [each for each in titles if each.startswith("grandchild")]
    assert "0.800 [" in title
    assert f"also from {design('other').short}" in title
    assert "prefers-color-scheme: dark" in picture.read_text()


def test_names_from_files_are_text_in_the_picture_and_nothing_else(person, tmp_path):
    picture = tmp_path / "lineage.svg"
    with person.archive() as archive:
        archive.add(Design("x = 1\n", HOSTILE), "openai", "", [], 9.0)
    person.reads("lineage", "--svg", picture)
    root, _, titles = drawn(picture)
    assert not list(root.iter(f"{SVG}script"))
    assert not any(name.startswith("on") for each in root.iter() for name in each.attrib)
    assert any("<script>" in title for title in titles)
    assert "\x1b" not in picture.read_text(encoding="utf-8")


def test_the_better_a_design_the_lighter_its_colour(person, tmp_path):
    picture = tmp_path / "lineage.svg"
    person.reads("lineage", "--svg", picture)
    root = drawn(picture)[0]
    chips = {each.find(f"{SVG}text").text: each.find(f"{SVG}circle") for each in root.iter(f"{SVG}g")}
    light = {name: sum(bytes.fromhex(chip.get("fill")[1:])) for name, chip in chips.items() if chip is not None}
    assert light["seed"] < light["other"] < light["child"] < light["grandchild ⚭"]


def test_a_picture_that_cannot_be_written_is_a_sentence(person, tmp_path):
    assert "Cannot write" in person.is_told("lineage", "--svg", tmp_path / "nowhere" / "lineage.svg")
