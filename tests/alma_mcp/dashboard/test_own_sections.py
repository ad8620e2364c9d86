"""Champion, Scopes and Audit, as a person sees them."""

import sqlite3

import pytest
from made_dashboard import OURS, PORT, Clock
from promoting import FIRST, SECOND
from starlette.testclient import TestClient

from alma_mcp.access import Principal
from alma_mcp.contract import Experience
from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.audit import audit_section
from alma_mcp.dashboard.champion import ChampionSources, champion_section
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.scopes import scopes_section
from alma_mcp.dashboard.visits import Visits
from alma_mcp.design_store import DesignStore
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Building, Expired, Requested
from alma_mcp.logs.question_log import Question, QuestionLog
from alma_mcp.presence import Presence
from alma_mcp.redaction import Redactor
from alma_mcp.serving.serving import Swap
from alma_mcp.status import Status

NOW = 1_700_000_000.0
DAY = 86_400.0
PROJECT = "project:/home/ada/api"


def signed_in(*sections):
    clock = Clock(NOW)
    visits = Visits(clock)
    browser = TestClient(build_app(sections, visits, Streams(), PORT, clock), f"http://localhost:{PORT}")
    browser.post(f"/enter/{visits.new_link()}", headers=OURS, follow_redirects=False)
    return browser


def made_status(**changes):
    given = {
        "home": "/home/ada/.alma", "champion": FIRST.name, "champion_id": FIRST.id, "sandbox": "bubblewrap",
        "embedder": "ready", "events": {"user": 3, PROJECT: 1_300}, "workers": 2, "worker_megabytes": 80,
        "quarantined": 0, "sessions": 1, "pending": 0, "swap": None, "warnings": [],
    }  # fmt: skip
    return Status(**{**given, **changes})


@pytest.fixture
async def questions(tmp_path):
    questions = QuestionLog.open(tmp_path / "asked.db", Redactor(b"k" * 32), 1000)
    yield questions
    await questions.close()


@pytest.fixture
def champion_page(log, questions):
    async def page(card="", problems=(), **changes):
        async def status():
            return made_status(**changes)

        sources = ChampionSources(status, lambda: FIRST, lambda: card, questions, log, Clock(NOW), problems)
        section = champion_section(sources)
        shown = await section.views["/champion"](None)
        return shown.values, signed_in(section)

    return page


async def test_the_champion_is_shown_with_its_card_and_its_health(champion_page):
    values, browser = await champion_page("# no_memory\n\nNothing is **kept**.\n\n- Needs: nothing. <b>\n")
    page = browser.get("/champion").text
    assert "<p>Nothing is <strong>kept</strong>.</p>" in page
    assert "<li>Needs: nothing. &lt;b&gt;</li>" in page
    assert "1,303" in page
    assert "class" in values["source"]


async def test_what_is_not_as_it_should_be_stands_first(champion_page):
    _, browser = await champion_page(warnings=["the ledger is damaged."], problems=["The pages of x cannot be shown."])
    page = browser.get("/champion").text
    assert page.index("The ledger is damaged.") < page.index("The pages of x cannot be shown.") < page.index("Health")


async def test_a_swap_under_way_is_shown_with_its_progress_and_a_refused_one_with_its_reason(champion_page):
    _, browser = await champion_page(swap=Swap("c" * 64, done=250, total=1_000))
    page = browser.get("/champion").text
    assert '<progress max="1000" value="250"' in page
    _, browser = await champion_page(swap=Swap("c" * 64, refused="It does not answer."))
    assert "It does not answer." in browser.get("/champion").text


async def test_latency_is_that_of_the_design_which_answers_now(champion_page, questions):
    for number in range(100):
        taken = {"seconds": (number + 1) / 1000, "design": FIRST.short}
        questions.note(Question(NOW, 1, ("user",), "q", "", 8, (), **taken))
    questions.note(Question(NOW, 1, ("user",), "q", "", 8, (), seconds=60.0, design=SECOND.short))
    questions.note(Question(NOW, 1, ("user",), "q", "", 8, (), seconds=3.0, design=FIRST.short, failed=True))
    latency = (await champion_page())[0]["latency"]
    assert (latency.count, latency.failed) == (101, 1)
    assert latency.median == pytest.approx(0.051)
    assert latency.p95 == pytest.approx(0.096)


async def test_without_an_answer_there_is_no_latency(champion_page):
    values, browser = await champion_page()
    assert values["latency"].median is None
    assert "no question answered by it yet" in browser.get("/champion").text


async def test_usefulness_counts_what_was_said_day_by_day(champion_page, log):
    for number, (signal, days) in enumerate([("helpful", 0), ("helpful", 0), ("harmful", 1), ("helpful", 400)]):
        name = f"m{number}"
        await log.append("user", "experience", Experience(id=name).to_json(), NOW - days * DAY)
        await log.append("user", "feedback", {"experiences": [name], "signal": signal}, NOW - days * DAY)
    values, browser = await champion_page()
    assert [(day.helpful, day.harmful) for day in values["days"][-2:]] == [(0, 1), (2, 0)]
    assert sum(day.helpful for day in values["days"]) == 2
    page = browser.get("/champion").text
    assert "called helpful 2 times and harmful 1 times" in page
    assert '<svg class="chart"' in page


async def test_without_feedback_the_page_says_where_it_comes_from(champion_page):
    _, browser = await champion_page()
    page = browser.get("/champion").text
    assert "its tool <code>feedback</code>" in page
    assert '<svg class="chart"' not in page


async def test_every_scope_says_who_may_read_it_and_who_could_now(log):
    presence = Presence(Clock(NOW))
    await log.append("user", "experience", Experience(id="a").to_json(), NOW)
    await log.append(PROJECT, "experience", Experience(id="b").to_json(), NOW)
    await log.append(PROJECT, "experience", Experience(id="c").to_json(), NOW)
    await log.append(PROJECT, "forgetting", {"experiences": ["c"]}, NOW)
    await log.append("benchmark:1", "experience", Experience(id="d").to_json(), NOW)
    section = scopes_section(log, presence.now)
    rows = {row.scope: row for row in (await section.views["/scopes"](None)).values["scopes"]}
    assert (rows[PROJECT].stored, rows[PROJECT].forgotten, rows[PROJECT].sessions) == (1, 1, 0)
    assert "No session of another project" in rows[PROJECT].readers
    assert "No session of a client" in rows["benchmark:1"].readers
    who = Principal("one", PROJECT)
    with presence.entered(who), presence.entered(Principal("two", "project:/other")):
        presence.called(who, "claude-code")
        rows = {row.scope: row for row in (await section.views["/scopes"](None)).values["scopes"]}
        assert (rows[PROJECT].sessions, rows["user"].sessions) == (1, 2)
        page = signed_in(section).get("/scopes").text
        assert "claude-code" in page
        assert "api, and you" in page
    assert "No client is connected" in signed_in(section).get("/scopes").text


async def test_a_scope_of_an_empty_home_teaches_the_next_command(log):
    page = signed_in(scopes_section(log, list)).get("/scopes").text
    assert "Nothing is stored yet" in page
    assert "alma-mcp status" in page


@pytest.fixture
async def ledger(tmp_path):
    store = DesignStore(tmp_path / "designs")
    ledger = await ChampionLedger.open(tmp_path / "ledger.db", FIRST, store.holds_bundled)
    yield ledger
    await ledger.close()


async def test_the_ledger_is_shown_row_by_row_and_verified(ledger):
    await ledger.record(Requested(SECOND.id, "se\u202econd", "e" * 64, "Ada", "terminal"))
    await ledger.record(Building(2))
    await ledger.record(Expired(2, "nobody decided"))
    section = audit_section(ledger)
    values = (await section.views["/audit"](None)).values
    assert [each.row.sequence for each in values["rows"]] == [4, 3, 2, 1]
    assert all(each.holds for each in values["rows"])
    assert not values["problem"]
    page = signed_in(section).get("/audit").text
    assert "se\\u202econd" in page
    assert "\u202e" not in page
    assert "Request 2 can be decided no more. Nobody decided." in page
    assert "e" * 12 in page


async def test_a_ledger_that_was_edited_is_shown_as_damaged(ledger, tmp_path):
    await ledger.record(Requested(SECOND.id, "second", "e" * 64))
    with sqlite3.connect(tmp_path / "ledger.db") as edited:
        edited.execute("DROP TRIGGER ledger_keeps_rows")
        edited.execute("UPDATE ledger SET body = replace(body, 'second', 'secund')")
    edited.close()
    page = signed_in(audit_section(ledger)).get("/audit").text
    assert "The ledger does not hold" in page
    assert "restore the ledger from a backup" in page
