"""Boxoban levels for MiniHack: the user's where there are any, else ours, and the same for the same seed."""

import importlib
import sys
import types

import pytest

LEVEL = "####\n#@ #\n#$.#\n####"
OTHER = "#####\n#@$.#\n#####"


@pytest.fixture
def levels(monkeypatch, tmp_path):
    """The module, with a generator beside it that gives one level, and a folder for published ones."""
    ours = types.ModuleType("boxoban")
    ours.boxoban_levels = lambda seed, count: [f"{LEVEL}\n"] * count
    monkeypatch.setitem(sys.modules, "boxoban", ours)
    monkeypatch.delitem(sys.modules, "envs_docker.balrog.minihack_boxoban", raising=False)
    module = importlib.import_module("envs_docker.balrog.minihack_boxoban")
    monkeypatch.setattr(module, "PUBLISHED", tmp_path)
    return module


def publish(folder, *texts):
    folder.mkdir(parents=True)
    (folder / "000.txt").write_text("\n\n".join(f"; {number}\n{text}" for number, text in enumerate(texts)) + "\n")


def test_without_published_levels_ours_are_played_and_said_to_be(levels):
    assert levels.level("hard", 3).strip() == LEVEL
    assert "alma-mcp's own" in levels.source()


def test_published_levels_are_played_where_they_are(levels, tmp_path):
    publish(tmp_path / "hard", LEVEL, OTHER)
    publish(tmp_path / "medium" / "train", OTHER)
    assert levels.published_levels("hard") == (LEVEL, OTHER)
    assert levels.level("medium", 9) == OTHER
    assert {levels.level("hard", seed) for seed in range(20)} == {LEVEL, OTHER}
    assert levels.level("hard", 7) == levels.level("hard", 7)
    assert levels.source() == "the published Boxoban levels"


def test_half_of_the_published_levels_are_not_called_all_of_them(levels, tmp_path):
    publish(tmp_path / "medium", OTHER)
    assert "Hard: alma-mcp's own" in levels.source()
    assert "Medium: the published" in levels.source()


def test_a_level_is_told_in_nethacks_words(levels):
    told = levels.description(LEVEL).splitlines()
    assert told[told.index("MAP") + 1 : told.index("ENDMAP")] == ["FFFF", "F..F", "F..F", "FFFF"]
    assert 'OBJECT: "boulder", (1, 2)' in told
    assert "FOUNTAIN: (2, 2)" in told
    assert "BRANCH:(1,1,1,1),(0,0,0,0)" in told
