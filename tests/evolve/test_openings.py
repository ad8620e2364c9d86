import sqlite3

import pytest

from alma_mcp.errors import EvolveError
from alma_mcp.evidence.dossier import Finalist
from evolve.archive import Archive

FINALISTS = (Finalist(design="a", name="A", score=0.5), Finalist(design="b", name="B", score=0.4))


def test_a_challenge_is_pending_until_it_ends_and_remembers_its_finalists(archive):
    written = archive.openings.write_down("made", "a", "c", FINALISTS, 1.0)
    assert archive.openings.pending("made") == written
    assert archive.openings.pending("other") is None
    archive.openings.end(written, "failed")
    assert archive.openings.pending("made") is None


def test_of_a_benchmark_one_challenge_is_pending_at_most(archive):
    archive.openings.write_down("made", "a", "c", FINALISTS, 1.0)
    archive.openings.write_down("other", "a", "c", FINALISTS, 1.0)
    with pytest.raises(EvolveError, match="has a challenger already"):
        archive.openings.write_down("made", "b", "c", (), 2.0)


def test_an_opening_is_counted_once_for_each_challenge_and_each_benchmark_by_itself(archive):
    first = archive.openings.write_down("made", "a", "c", (), 1.0)
    assert archive.openings.pending("made").opening == 0
    assert [archive.openings.count(first, 2.0), archive.openings.count(first, 3.0)] == [1, 1]
    assert archive.openings.pending("made").opening == 1
    archive.openings.end(first, "given up")
    other = archive.openings.write_down("other", "a", "c", (), 4.0)
    assert archive.openings.count(other, 4.0) == 1
    again = archive.openings.write_down("made", "a", "c", (), 5.0)
    assert archive.openings.count(again, 5.0) == 2


def test_openings_of_an_older_archive_are_counted(tmp_path, store):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE openings (number INTEGER PRIMARY KEY AUTOINCREMENT, benchmark TEXT NOT NULL,"
            " challenger TEXT NOT NULL, champion TEXT NOT NULL, at REAL NOT NULL)"
        )
        old.execute("INSERT INTO openings (benchmark, challenger, champion, at) VALUES ('made', 'a', 'c', 1.0)")
    old.close()
    with Archive(path, store) as archive:
        assert archive.openings.pending("made") is None
        assert archive.openings.count(archive.openings.write_down("made", "b", "c", (), 2.0), 2.0) == 2
