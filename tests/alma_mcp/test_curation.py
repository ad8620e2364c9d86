import asyncio

import pytest
from fakes import WORDS, FakeHost
from running import FakeAsks

from alma_mcp.access import Principal
from alma_mcp.composition import compose
from alma_mcp.config import Settings
from alma_mcp.contract import MemoryItem, Query, Retrieval
from alma_mcp.engine import Engine
from alma_mcp.errors import BadRequest, StoreError
from alma_mcp.home import Home
from alma_mcp.logs.curation import DISTRUSTED, MOST_SPARE, NORMAL, TRUSTED, UNDO_SECONDS, Curation
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.projection import Limits, Projection
from alma_mcp.service import Draft

BY = "person"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def log(tmp_path):
    log = await ExperienceLog.open(tmp_path / "e.db")
    yield log
    await log.close()


@pytest.fixture
async def curation(log, clock):
    return await Curation.open(log, clock)


async def store(log, *names, scope="project:/a"):
    for name in names:
        body = {"id": name, "steps": [{"actor": "user", "text": f"fact {name}"}], "time": 1.0}
        await log.append(scope, "experience", body, 1.0)


def kept(curation, *rests):
    items = tuple(MemoryItem("+".join(each), 1.0, each) for each in rests)
    return [item.text for item in curation.heeded(Retrieval(items), 10).items]


async def again(log, clock):
    """The curation as the next engine finds it."""
    return await Curation.open(log, clock)


async def test_what_rests_on_something_distrusted_is_withheld_until_it_is_trusted_again(log, curation, clock):
    await store(log, "m1", "m2")
    assert await curation.trust(["m1"], DISTRUSTED, BY) == 1
    for each in (curation, await again(log, clock)):
        assert kept(each, ("m1",), ("m2",), ("m1", "m2")) == ["m2"]
    await curation.trust(["m1"], NORMAL, BY)
    for each in (curation, await again(log, clock)):
        assert kept(each, ("m1",), ("m2",)) == ["m1", "m2"]
        assert each.standings() == {}


async def test_what_is_trusted_is_shown_and_known_as_trusted(log, curation, clock):
    await store(log, "m1")
    await curation.trust(["m1"], TRUSTED, BY)
    for each in (curation, await again(log, clock)):
        assert kept(each, ("m1",)) == ["m1"]
        assert {name: standing.trust for name, standing in each.standings().items()} == {"m1": TRUSTED}


async def test_a_trust_that_is_given_twice_is_one_event(log, curation):
    await store(log, "m1", "m2", scope="user")
    assert await curation.trust(["m1"], TRUSTED, BY) == 1
    assert await curation.trust(["m1", "m2"], TRUSTED, BY) == 1
    assert [(each.experience, each.trust) for each in await log.trust_changes()] == [("m1", 1.0), ("m2", 1.0)]


async def test_what_is_forgotten_is_withheld_at_once_and_due_in_ten_minutes(log, curation, clock):
    await store(log, "m1")
    await curation.forget(["m1"], BY)
    assert kept(curation, ("m1",)) == []
    for each in (curation, await again(log, clock)):
        assert each.waiting() == {"m1": 1000.0 + UNDO_SECONDS}
        async with each.erasing() as due:
            assert due == {}
    clock.now += UNDO_SECONDS
    for each in (await again(log, clock), curation):
        async with each.erasing() as due:
            assert due == {"project:/a": ["m1"]}
        assert each.waiting() == {}


@pytest.mark.parametrize("before", [TRUSTED, NORMAL, DISTRUSTED])
async def test_an_undone_forgetting_leaves_everything_as_it_was(log, curation, clock, before):
    await store(log, "m1", "m2")
    if before != NORMAL:
        await curation.trust(["m1"], before, BY)
    await curation.forget(["m1"], BY)
    await curation.forget(["m1", "m2"], BY)
    curation = await again(log, clock)
    assert await curation.undo(["m1"], BY) == 1
    for each in (curation, await again(log, clock)):
        assert each.of("m1").trust == before
        assert list(each.waiting()) == ["m2"]


async def test_several_that_stood_differently_are_undone_at_once(log, curation):
    await store(log, "m1", "m2")
    await store(log, "m3", scope="user")
    await curation.trust(["m1"], TRUSTED, BY)
    await curation.forget(["m1", "m2", "m3"], BY)
    assert await curation.undo(["m1", "m2", "m3"], BY) == 3
    assert [curation.of(each).trust for each in ("m1", "m2", "m3")] == [TRUSTED, NORMAL, NORMAL]


async def test_after_ten_minutes_a_forgetting_cannot_be_undone(log, curation, clock):
    await store(log, "m1")
    await curation.forget(["m1"], BY)
    clock.now += UNDO_SECONDS
    with pytest.raises(BadRequest, match="ten minutes are over"):
        await curation.undo(["m1"], BY)


async def test_forgetting_again_does_not_put_it_off(log, curation, clock):
    await store(log, "m1")
    await curation.forget(["m1"], BY)
    clock.now += 60
    assert await curation.forget(["m1"], BY) == 0
    assert curation.waiting() == {"m1": 1000.0 + UNDO_SECONDS}


async def test_what_an_assistant_forgot_meanwhile_stands_nowhere_any_more(log, curation, clock):
    await store(log, "m1")
    await curation.forget(["m1"], BY)
    await log.append("project:/a", "forgetting", {"experiences": ["m1"]}, 2.0)
    assert (await again(log, clock)).waiting() == {}
    clock.now += UNDO_SECONDS
    async with curation.erasing() as due:
        assert due == {}
    assert curation.waiting() == {}


async def test_what_could_not_be_erased_stays_due(log, curation, clock):
    await store(log, "m1")
    await curation.forget(["m1"], BY)
    clock.now += UNDO_SECONDS
    with pytest.raises(OSError, match="full"):
        async with curation.erasing():
            raise OSError("full")
    async with curation.erasing() as due:
        assert due == {"project:/a": ["m1"]}


async def test_more_is_asked_for_where_something_is_withheld(log, curation):
    names = [f"m{number}" for number in range(MOST_SPARE + 1)]
    await store(log, *names)
    assert curation.spare == 0
    await curation.trust(names[:2], DISTRUSTED, BY)
    await curation.trust(names[2:3], TRUSTED, BY)
    assert curation.spare == 2
    await curation.forget(names, BY)
    assert curation.spare == MOST_SPARE


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda curation: curation.trust(["nobody"], 1.0, BY), "No memory has the id 'nobody'"),
        (lambda curation: curation.trust(["m1", "nobody"], 1.0, BY), "Nothing was changed"),
        (lambda curation: curation.trust([], 1.0, BY), "Choose 1 to 1,000"),
        (lambda curation: curation.trust(["m1"] * 1001, 1.0, BY), "Choose 1 to 1,000"),
        (lambda curation: curation.trust(["m1"], 1.5, BY), "from 0 to 1, not 1.5"),
        (lambda curation: curation.forget(["nobody"], BY), "No memory has the id"),
        (lambda curation: curation.undo(["m1"], BY), "nothing to undo"),
        (lambda curation: curation.trust(["going"], 1.0, BY), "about to be forgotten; undo that first"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(log, curation, act, sentence):
    await store(log, "m1", "going")
    await curation.forget(["going"], BY)
    before = await log.trust_changes()
    with pytest.raises(BadRequest, match=sentence):
        await act(curation)
    assert await log.trust_changes() == before


TRUST_AT = [[0], [1], [2], [0, 1, 2], [2, 2, 2]]


@pytest.mark.parametrize("places", TRUST_AT)
async def test_a_projection_reaches_the_end_of_a_log_that_holds_changes_of_trust(log, curation, tmp_path, places):
    """Changes of trust stand before, between and behind what the design takes in."""
    await store(log, "m0")
    for number in range(3):
        for place in places:
            if place == number:
                await curation.trust(["m0"], TRUSTED, BY)
        await store(log, f"n{number}")
        if number in places:
            await curation.trust(["m0"], DISTRUSTED, BY)
    for batch in (1, 2, 64):
        host = FakeHost()
        projection = Projection(WORDS, "project:/a", log, host, FakeAsks(), tmp_path / str(batch), Limits(batch=batch))
        await projection.follow()
        assert projection.position == log.head("project:/a")
        taken = [position for _, position in host.applied]
        assert taken == [event.position for event in await log.read("project:/a", 0, 100)]
        assert len((await projection.retrieve(Query("fact", limit=10))).items) == 4
        await projection.follow()
        assert [position for _, position in host.applied] == taken
        await projection.close()
        reopened = Projection(WORDS, "project:/a", log, host, FakeAsks(), tmp_path / str(batch), Limits(batch=batch))
        await reopened.follow()
        assert [position for _, position in host.applied] == taken
        await reopened.close()


async def test_a_scope_whose_experiences_are_forgotten_but_for_changes_of_trust_is_followed_to_its_end(
    log, curation, tmp_path
):
    await store(log, "m0")
    await curation.trust(["m0"], DISTRUSTED, BY)
    await log.append("project:/a", "forgetting", {"experiences": ["m0"]}, 2.0)
    projection = Projection(WORDS, "project:/a", log, FakeHost(), FakeAsks(), tmp_path / "p", Limits())
    await projection.follow()
    assert projection.position == log.head("project:/a") == 3
    await projection.close()


async def test_what_came_due_while_no_engine_ran_is_erased_by_the_next_one_from_every_file(tmp_path):
    home, who = Home(tmp_path), Principal("s", "project:/a")
    settings = Settings(embedder="none")
    async with compose(home, settings) as parts:
        gone, _ = await parts.service.update(who, Draft("the-telltale-words of a fact"))
        kept, _ = await parts.service.update(who, Draft("another fact"))
        going = Curation(parts.log, lambda: 1000.0)
        await going.forget([gone], BY)
        await parts.service.retrieve(who, Query("the fact"), 1000)
    async with compose(home, settings) as parts:
        answer = await parts.service.retrieve(who, Query("the telltale fact"), 1000)
        assert [item.id for item in answer.items] == [kept]
        assert await parts.service.erase_due() == 1
        await parts.serving.follow("project:/a")
        assert parts.curation.standings() == {}
    assert not any(b"the-telltale-words" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


async def test_an_engine_erases_what_is_due_though_it_could_not_at_first(tmp_path, monkeypatch):
    """The disk refuses once; the next round succeeds."""
    home = Home(tmp_path)
    async with compose(home, Settings(embedder="none")) as parts:
        gone, _ = await parts.service.update(Principal("s", "project:/a"), Draft("a fact"))
        await Curation(parts.log, lambda: 1000.0).forget([gone], BY)
    monkeypatch.setattr("alma_mcp.engine.TENDING_SECONDS", 0.01)
    async with compose(home, Settings(embedder="none")) as parts:
        append, refusals = parts.log.append, []

        async def refuses_once(scope, kind, *rest):
            if kind == "forgetting" and not refusals:
                refusals.append(kind)
                raise StoreError("The disk refuses.")
            return await append(scope, kind, *rest)

        parts.log.append = refuses_once
        engine = Engine(home, Settings(), parts)
        serving = asyncio.create_task(engine.serve())
        async with asyncio.timeout(30):
            while parts.curation.waiting():
                await asyncio.sleep(0.01)
        engine.stop()
        await serving
        assert refusals == ["forgetting"]
        assert await parts.log.experiences(["project:/a"], [gone]) == {}
