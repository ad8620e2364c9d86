import dataclasses

import pytest

from alma_mcp.errors import StoreError
from alma_mcp.evidence.rehearsal import Performance, Rehearsal, SideBySide, load_rehearsal
from alma_mcp.rehearsals.readiness import ENOUGH_QUESTIONS, Readiness, readiness

CHAMPION = Performance(design="a" * 64, name="words", p50_ms=10, p95_ms=20)
CHALLENGER = Performance(design="b" * 64, name="loud", p50_ms=10, p95_ms=20)


def made(**changes) -> Rehearsal:
    fields = {"at": 1.0, "scopes": 1, "events": 3, "set_aside": 0, "replay_seconds": 0.1, **changes}
    return Rehearsal(challenger=CHALLENGER, champion=CHAMPION, **fields)


def beside(number: int, champion: tuple[str, ...], challenger: tuple[str, ...]) -> SideBySide:
    return SideBySide(question=number, champion=champion, challenger=challenger, champion_ms=1, challenger_ms=2)


def changed(**changes) -> Performance:
    return CHALLENGER.model_copy(update=changes)


def test_nothing_is_against_one_that_does_as_well():
    assert readiness(CHALLENGER, CHAMPION, 200, set_aside=2, before=2) == Readiness()


def test_more_failures_than_the_champion_are_in_the_way():
    found = readiness(changed(failed=3), CHAMPION.model_copy(update={"failed": 2}), 200, 0, 0)
    assert found.blockers == ("It failed 3 of 200 questions that were asked here, the champion 2",)
    assert readiness(changed(failed=2), CHAMPION.model_copy(update={"failed": 2}), 200, 0, 0) == Readiness()


@pytest.mark.parametrize(("milliseconds", "objects"), [(110.0, False), (111.0, True)])
def test_a_slow_one_is_objected_to_and_not_stopped(milliseconds, objects):
    found = readiness(changed(p95_ms=milliseconds), CHAMPION, ENOUGH_QUESTIONS, 0, 0)
    assert (bool(found.objections), found.blockers) == (objects, ())


def test_few_questions_say_nothing_of_the_time():
    assert readiness(changed(p95_ms=1e6), CHAMPION, ENOUGH_QUESTIONS - 1, 0, 0) == Readiness()


def test_what_only_the_challenger_cannot_take_in_is_objected_to():
    found = readiness(CHALLENGER, CHAMPION, 0, set_aside=3, before=1)
    assert found.objections == ("It could not take in 3 of the events here, the champion 1",)


def test_a_readiness_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Readiness().blockers = ("none",)


def test_a_rehearsal_is_filed_under_its_hash_and_comes_back_whole(tmp_path):
    rehearsal = made(questions=(beside(4, ("m1", "m2"), ("m2", "m3")),), objections=("it is slow",))
    rehearsal.save(tmp_path)
    assert load_rehearsal(tmp_path, rehearsal.report) == rehearsal


def test_a_rehearsal_that_was_changed_or_is_gone_is_not_believed(tmp_path):
    rehearsal = made()
    rehearsal.save(tmp_path)
    path = tmp_path / f"{rehearsal.report}.json"
    path.write_bytes(path.read_bytes().replace(b'"events":3', b'"events":4'))
    with pytest.raises(StoreError, match=r"The rehearsal [0-9a-f]{12} was changed after it was filed"):
        load_rehearsal(tmp_path, rehearsal.report)
    path.unlink()
    with pytest.raises(StoreError, match="is missing; request the promotion again"):
        load_rehearsal(tmp_path, rehearsal.report)


def test_what_appears_and_what_is_lost_is_counted_over_all_questions():
    rehearsal = made(questions=(beside(1, ("m1", "m2"), ("m2", "m3")), beside(2, ("m1",), ("m1",)), beside(3, (), ())))
    assert [each.overlap for each in rehearsal.questions] == [1 / 3, 1.0, 1.0]
    assert rehearsal.overlap == pytest.approx(7 / 9)
    assert (rehearsal.appearing, rehearsal.lost) == (1, 1)
    assert (rehearsal.questions_with_new, rehearsal.questions_with_lost) == (1, 1)
