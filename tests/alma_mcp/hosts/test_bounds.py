import os

from alma_mcp.hosts.bounds import give


def test_a_state_folder_is_given_away_though_a_file_goes_meanwhile(tmp_path, monkeypatch):
    """The worker before is ended, and may still be closing its database."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "memory.db").touch()
    (tmp_path / "memory.db-wal").touch()
    given, chown = [], os.chown

    def closing(path, uid, gid, **options):
        if path != tmp_path:
            (tmp_path / "memory.db-wal").unlink(missing_ok=True)
        chown(path, uid, gid, **options)
        given.append(os.path.relpath(path, tmp_path))

    monkeypatch.setattr(os, "chown", closing)
    give(tmp_path, os.getuid())
    assert sorted(given) == [".", "folder", "memory.db"]
