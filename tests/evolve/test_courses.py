"""Which games are collected and which deployed: halves of each kind, apart, and the same every time."""

import json

import pytest

from alma_mcp.errors import DataMissing
from evolve.benchmarks.courses import MINIHACK_TASKS, ONE_ROOM, TWO_ROOMS, course, pool
from evolve.benchmarks.game_files import games_of


@pytest.fixture
def alfworld(tmp_path):
    """Made names of games, three kinds in each folder; some that the official list leaves out."""
    for folder, count in (("valid_train", 6), ("valid_seen", 4), ("valid_unseen", 4)):
        for kind in ("pick_and_place_simple", "look_at_obj_in_light", "pick_two_obj_and_place"):
            for number in range(count):
                _game(tmp_path, folder, f"{kind}-Mug-None-Desk-{number}")
        _game(tmp_path, folder, "pick_and_place_with_movable_recep-Mug-Bowl-Desk-1")
        _game(tmp_path, folder, "pick_heat_then_place_in_recep-AppleSliced-None-Desk-1")
        _game(tmp_path, folder, "pick_cool_then_place_in_recep-Mug-None-Desk-2", solvable=False)
    return tmp_path


def _game(root, folder, name, *, solvable=True):
    path = root / "json_2.1.1" / folder / name / "trial_1" / "game.tw-pddl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"solvable": solvable}))


def test_a_course_halves_each_kind_and_no_game_is_in_both(alfworld):
    played = course("alfworld", alfworld, "train")
    assert len(played.collection) == len(played.deployment) == 9
    assert not set(played.collection) & set(played.deployment)
    for half in (played.collection, played.deployment):
        assert sorted(game.kind for game in half) == sorted(game.kind for game in played.collection)


def test_games_that_the_official_list_leaves_out_are_left_out(alfworld):
    names = " ".join(game.name for game in pool("alfworld", alfworld, "train"))
    assert "movable" not in names
    assert "Sliced" not in names
    assert "Desk-2/" not in names or "pick_cool" not in names


def test_the_same_folder_gives_the_same_course_wherever_it_lies(alfworld, tmp_path_factory):
    moved = tmp_path_factory.mktemp("elsewhere") / "games"
    alfworld.rename(moved)
    first = course("alfworld", moved, "eval_in_distribution")
    moved.rename(alfworld)
    assert course("alfworld", alfworld, "eval_in_distribution") == first


def test_the_shift_collects_on_seen_rooms_and_deploys_in_unseen_ones(alfworld):
    played = course("alfworld", alfworld, "eval_out_of_distribution")
    assert all("/valid_seen/" in game.name for game in played.collection)
    assert all("/valid_unseen/" in game.name for game in played.deployment)
    assert played.collection == course("alfworld", alfworld, "eval_in_distribution").collection


def test_sizes_bound_what_is_played_and_keep_the_kinds_mixed(alfworld):
    played = course("alfworld", alfworld, "train", train_size=6, update_size=2)
    assert len(played.collection) == 2
    assert len(played.deployment) == 3
    assert len({game.kind for game in played.deployment}) == 3


def test_kinds_of_a_single_game_go_by_turns():
    played = course("babaisai", None, "train", train_size=8)
    assert (len(played.collection), len(played.deployment)) == (4, 4)


def test_collecting_on_another_status_is_named(alfworld):
    played = course("alfworld", alfworld, "eval_in_distribution", update_task="train")
    assert all("/valid_train/" in game.name for game in played.collection)


def test_textworlds_kinds_are_halved_between_train_and_test_and_coins_are_the_shift(tmp_path):
    for kind in ("treasure_hunter", "the_cooking_game", "coin_collector"):
        (tmp_path / kind).mkdir()
        for number in range(8):
            (tmp_path / kind / f"level_{number}.z8").touch()
    train, test = (pool("textworld", tmp_path, status) for status in ("train", "eval_in_distribution"))
    assert len(train) == len(test) == 8
    assert not set(train) & set(test)
    assert {game.kind for game in pool("textworld", tmp_path, "eval_out_of_distribution")} == {"coin_collector"}
    assert len(pool("textworld", tmp_path, "all")) == 16


def test_baba_plays_the_forty_published_ids_and_the_shift_has_two_rooms():
    assert len({*ONE_ROOM, *TWO_ROOMS}) == 40
    assert {game.name for game in pool("babaisai", None, "train")} == {*ONE_ROOM, *TWO_ROOMS}
    shifted = course("babaisai", None, "eval_out_of_distribution")
    assert {game.name for game in shifted.collection} <= set(ONE_ROOM)
    assert {game.name for game in shifted.deployment} <= set(TWO_ROOMS)


def test_levels_of_one_status_are_never_those_of_another():
    statuses = ("train", "eval_in_distribution", "eval_out_of_distribution")
    for domain in ("babaisai", "minihack"):
        levels = [set(pool(domain, None, status)) for status in statuses]
        assert not levels[0] & levels[1] | levels[0] & levels[2] | levels[1] & levels[2]


def test_minihack_keeps_boxoban_corridors_and_quests_for_the_shift():
    shifted = course("minihack", None, "eval_out_of_distribution")
    assert all("MazeWalk" in game.name for game in shifted.collection)
    assert {game.name for game in shifted.deployment} == {name for name in MINIHACK_TASKS if "MazeWalk" not in name}


def test_a_folder_without_games_is_said_with_where_to_get_them(tmp_path):
    with pytest.raises(DataMissing, match="alfworld-download"):
        course("alfworld", tmp_path, "train")
    with pytest.raises(DataMissing, match="--data PATH"):
        course("textworld", tmp_path / "nowhere", "train")


def test_an_archive_of_games_is_unpacked_once_and_readable_by_others(tmp_path, alfworld):
    import tarfile

    packed = tmp_path / "games.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(alfworld / "json_2.1.1", "json_2.1.1")
    folder = games_of("alfworld", packed, tmp_path / "kept")
    assert folder == games_of("alfworld", packed, tmp_path / "kept")
    found = next(folder.rglob("game.tw-pddl"))
    assert found.stat().st_mode & 0o777 == 0o644
    assert len(pool("alfworld", folder, "train")) == 18


def test_an_archive_that_reaches_outside_is_refused(tmp_path):
    import io
    import tarfile

    packed = tmp_path / "evil.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(DataMissing, match="cannot be unpacked"):
        games_of("alfworld", packed, tmp_path / "kept")
    assert not (tmp_path / "outside").exists()
