"""The original Baba Is AI loads without the libraries that it draws with."""

import importlib

from envs_docker.balrog.headless import stand_in


def test_what_only_draws_is_stood_in_for(tmp_path, monkeypatch):
    stand_in(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.import_module("cv2").getTextSize("win", 0, 1.0, 3)[0] == (0, 0)
    assert importlib.import_module("pygame.locals").VIDEORESIZE == 0


def test_a_library_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "cv2.py").write_text("REAL = True\n")
    stand_in(tmp_path)
    assert (tmp_path / "cv2.py").read_text() == "REAL = True\n"
