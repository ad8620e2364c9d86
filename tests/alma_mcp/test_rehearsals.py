import asyncio

import pytest
from fakes import LOUD, WORDS
from rehearsing_home import WHO, rehearsing_home

from alma_mcp.access import Principal
from alma_mcp.design_store import Design
from alma_mcp.errors import ContractBroken, DesignFailed, NoSandbox, WorkerDied
from alma_mcp.ledger.rows import Expired
from alma_mcp.logs.curation import DISTRUSTED

OTHER = Principal("session-2", "project:/b")
SHORT = Design("SHORT = 'another one'", "short")


@pytest.fixture
async def home(tmp_path):
    async with rehearsing_home(tmp_path) as home:
        yield home


async def until(true) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.001)


async def kinds(home) -> list[str]:
    return [row.content.kind for row in await home.ledger.history()]


def item(*ids: str) -> dict:
    return {
        "items": [{"text": "t", "score": 1.0 - 0.01 * n, "experiences": [each]} for n, each in enumerate(ids)],
        "note": "",
    }


async def test_a_request_is_rehearsed_by_itself_and_becomes_ready(home):
    await home.remember("tea at four", "coffee at five")
    await home.remember("tea at home", who=OTHER)
    promotion = await home.rehearsed()
    assert promotion.state == "ready"
    assert await kinds(home) == ["genesis", "requested", "building", "ready"]
    report = home.report(promotion)
    assert (report.challenger.name, report.champion.name) == ("loud", "words")
    assert (report.scopes, report.events, report.set_aside, report.at) == (2, 3, 0, 2000.0)
    assert report.objections == ()


async def test_the_shadow_report_has_the_questions_that_were_really_asked(home):
    tea, coffee = await home.remember("tea at four", "coffee at five")
    await home.ask("tea")
    await home.ask("coffee")
    home.host.answers["loud"] = item(coffee)
    report = home.report(await home.rehearsed())
    newest, first = report.questions
    assert (newest.question, newest.champion, newest.challenger, newest.overlap) == (2, (coffee,), (coffee,), 1.0)
    assert (first.question, first.appearing, first.lost, first.overlap) == (1, (coffee,), (tea,), 0.0)
    assert (report.overlap, report.appearing, report.lost) == (0.5, 1, 1)
    assert (report.questions_with_new, report.questions_with_lost) == (1, 1)
    assert report.challenger.p95_ms >= report.challenger.p50_ms > 0


async def test_at_most_200_questions_are_asked_again_and_in_turns(home):
    await home.remember("tea at four")
    for number in range(203):
        await home.ask(f"tea {number}")
    home.host.asked.clear()
    report = home.report(await home.rehearsed())
    assert [each.question for each in report.questions] == list(range(203, 3, -1))
    assert {query["time"] for query in home.host.asked} == {2000.0}


async def test_a_home_that_was_never_asked_has_an_empty_shadow_report(home):
    await home.remember("tea at four")
    promotion = await home.rehearsed()
    assert promotion.state == "ready"
    assert home.report(promotion).questions == ()
    assert home.report(promotion).overlap == 1.0


async def test_an_empty_home_is_ready_for_any_design_that_runs(home):
    promotion = await home.rehearsed()
    assert promotion.state == "ready"
    assert (home.report(promotion).scopes, home.report(promotion).events) == (0, 0)


async def test_what_may_not_be_shown_is_not_in_the_shadow_report_either(home):
    (theirs,) = await home.remember("tea at home", who=OTHER)
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.answers["loud"] = item(theirs)
    (question,) = home.report(await home.rehearsed()).questions
    assert question.challenger == ()


async def test_no_text_is_in_a_report_so_forgetting_need_not_look_for_it(home):
    (memory,) = await home.remember("the-telltale-memory is tea")
    await home.ask("the-telltale-question on tea")
    promotion = await home.rehearsed()
    assert memory in home.report(promotion).questions[0].champion
    await home.service.forget(WHO, [memory])
    for path in (home.folder / "dossiers").iterdir():
        assert b"telltale" not in path.read_bytes()
    assert home.report(promotion).questions[0].question not in [each.number for each in await home.questions.newest(9)]


async def test_a_design_that_does_not_start_expires_and_says_why(home):
    await home.remember("tea at four")
    home.host.refuses = lambda design: DesignFailed("SyntaxError: line 1.") if design == LOUD else None
    promotion = await home.rehearsed()
    assert promotion.state == "expired"
    assert promotion.reason == "It failed with SyntaxError when it was started on the memories here"


async def test_a_design_that_breaks_the_contract_when_it_is_asked_expires(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.answers["loud"] = {"items": "all of them"}
    promotion = await home.rehearsed()
    assert promotion.state == "expired"
    assert promotion.reason == "It does not keep the contract when it was asked what was asked here before"


async def test_what_a_design_says_when_it_fails_is_not_written_into_the_ledger(home):
    await home.remember("the-telltale-words on tea")
    home.host.refuses = lambda design: DesignFailed("Telltale: 'the-telltale-words on tea'") if design == LOUD else None
    promotion = await home.rehearsed()
    assert promotion.reason == "It failed when it was started on the memories here"
    for path in home.folder.glob("ledger.db*"):
        assert b"telltale" not in path.read_bytes().lower()


async def test_a_design_that_breaks_the_contract_expires_even_where_nothing_was_asked(home):
    await home.remember("tea at four")
    home.host.answers["loud"] = ContractBroken("It gave a score that is no number.")
    assert (await home.rehearsed()).state == "expired"


async def test_one_that_fails_questions_that_the_champion_answers_expires(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.answers["loud"] = DesignFailed("KeyError: 'x'")
    promotion = await home.rehearsed()
    assert promotion.state == "expired"
    assert "failed 1 of 1 questions" in home.ledger.promotions()[promotion.request].reason


async def test_one_that_answers_what_the_champion_fails_is_ready(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.answers["words"] = DesignFailed("KeyError: 'x'")
    report = home.report(await home.rehearsed())
    assert (report.champion.failed, report.challenger.failed) == (1, 0)
    assert report.questions[0].champion_failed
    assert not report.questions[0].challenger_failed


async def test_what_it_cannot_take_in_is_an_objection(home):
    await home.remember("tea at four", "coffee at five")
    await home.ask("tea")
    home.host.indigestible.add(2)
    report = home.report(await home.rehearsed())
    assert report.set_aside == 1
    assert report.objections == ("It could not take in 1 of the events here, the champion 0",)


async def test_a_worker_that_somebody_ended_costs_no_event(home):
    await home.remember("tea at four")
    await home.ask("tea")
    died = []

    def ends_once(design):
        if design == LOUD and not died:
            died.append(1)
            return WorkerDied("The worker was killed.")
        return None

    home.host.refuses = ends_once
    promotion = await home.rehearsed()
    assert promotion.state == "ready"
    assert home.report(promotion).set_aside == 0


async def test_without_a_sandbox_it_waits_says_so_and_is_tried_again(home):
    await home.remember("tea at four")
    home.host.refuses = lambda design: NoSandbox("No sandbox here.") if design == LOUD else None
    promotion = await home.rehearsed()
    assert promotion.state == "building"
    assert home.rehearsals.told() == [f"The rehearsal of loud ({LOUD.short}) waits: No sandbox here."]
    home.host.refuses = lambda _: None
    home.rehearsals.changed()
    await home.rehearsals.settled()
    assert home.ledger.promotions()[promotion.request].state == "ready"
    assert home.rehearsals.told() == []
    assert (await kinds(home)).count("building") == 1


async def test_progress_is_told_while_it_builds_and_the_next_one_waits_its_turn(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.gate.clear()
    first, second = await home.request(LOUD), await home.request(SHORT)
    await until(lambda: home.rehearsals.progress[first].stage == "building")
    assert home.rehearsals.progress[second].stage == "waiting"
    assert home.rehearsals.told() == [
        f"Rehearsal of loud ({LOUD.short}): begins.",
        f"The rehearsal of short ({SHORT.short}) waits its turn.",
    ]
    home.host.gate.set()
    await home.rehearsals.settled()
    assert [each.state for each in home.ledger.promotions().values()] == ["ready", "ready"]


async def test_what_an_ended_engine_had_built_is_gone_on_with(home):
    await home.remember(*(f"tea {number}" for number in range(20)))
    await home.ask("tea")
    home.host.indigestible.clear()
    number = await home.request()
    await until(lambda: ("loud", 8) in home.host.applied)
    await home.rehearsals.close()
    home.begin()
    await home.rehearsals.settled()
    assert home.ledger.promotions()[number].state == "ready"
    taken = [position for name, position in home.host.applied if name == "loud"]
    assert taken == sorted(set(taken))
    assert await kinds(home) == ["genesis", "requested", "building", "ready"]


async def test_a_request_that_is_decided_meanwhile_is_left_and_its_memory_thrown_away(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.gate.clear()
    number = await home.request()
    await until(lambda: home.memory_of(LOUD).is_dir() and "loud" in home.host.opened)
    await home.ledger.record(Expired(number, "nobody decided"))
    home.rehearsals.changed()
    await home.rehearsals.settled()
    assert not home.memory_of(LOUD).exists()
    assert home.memory_of(WORDS).exists()
    assert home.ledger.promotions()[number].state == "expired"


async def test_a_memory_that_another_request_needs_is_kept(home):
    await home.remember("tea at four")
    await home.rehearsed()
    assert (await home.rehearsed()).state == "ready"
    assert [each.state for each in home.ledger.promotions().values()] == ["expired", "ready"]
    assert home.memory_of(LOUD).is_dir()


async def test_before_a_design_is_built_to_serve_its_rehearsal_ends(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.host.gate.clear()
    await home.request()
    await until(lambda: home.host.running == 2)
    home.wanted = LOUD
    await home.rehearsals.end(LOUD.id)
    await home.rehearsals.settled()
    assert home.host.running == 1
    assert home.opened == ["words", "loud"]


async def test_a_design_that_serves_already_is_rehearsed_on_the_memory_that_is_open(home):
    await home.remember("tea at four")
    await home.ask("tea")
    home.wanted = LOUD
    await home.serving.reconcile()
    promotion = await home.rehearsed(WORDS)
    assert promotion.state == "ready"
    assert home.opened == ["words", "loud"]
    assert home.serving.previous.scopes == ["project:/a"]


async def test_its_workers_leave_the_processor_to_others_while_they_take_in_and_no_longer(home):
    await home.remember("tea at four")
    await home.ask("tea")
    await home.rehearsed()
    assert home.host.aside == ["loud"]
    assert home.host.opened.count("loud") == 2
    assert home.host.running == 1


async def test_what_was_built_with_another_embedder_than_the_chosen_one_is_built_again(home):
    await home.remember("tea at four")
    home.outdated = [True, False]
    promotion = await home.rehearsed()
    assert promotion.state == "ready"
    assert home.opened == ["words", "loud", "loud"]


async def test_a_changed_design_is_not_rehearsed_and_its_request_expires(home):
    number = await home.request()
    (home.folder / "designs" / f"{LOUD.id}.py").write_text("LOUD = 'altered'")
    await home.rehearsals.settled()
    promotion = home.ledger.promotions()[number]
    assert promotion.state == "expired"
    assert "was changed after it was stored" in promotion.reason


async def test_what_a_person_distrusts_is_in_no_report_either(home):
    kept, distrusted = await home.remember("tea at four", "tea at five")
    assert await home.ask("tea") == [kept, distrusted]
    await home.curation.trust([distrusted], DISTRUSTED, "person")
    report = home.report(await home.rehearsed())
    assert [(each.champion, each.challenger) for each in report.questions] == [((kept,), (kept,))]
