"""The page that a promotion is decided by says in the dashboard what it says on a terminal, and makes it obvious."""

import io
import re
from dataclasses import replace

import pytest
from deciding import Place, made_place, plain
from rich.console import Console
from three_dossiers import clear_win, one_kind_worse, opened, played, rehearsed, smuggled_knowledge

from alma_mcp.design_store import Design
from alma_mcp.ledger.rows import Building
from alma_mcp.review.parts import sentences
from alma_mcp.review.review import review_of
from alma_mcp.review.terminal_page import page

THREE = [clear_win, smuggled_knowledge, one_kind_worse]
HIDING = "<script>alert(1)</script> \x1b[31mred \u202edesrever"


@pytest.fixture
async def place(tmp_path):
    async with made_place(tmp_path) as place:
        yield place


def on_terminal(request):
    file = io.StringIO()
    Console(file=file, no_color=True, color_system=None, width=4000).print(page(request))
    return file.getvalue()


@pytest.mark.parametrize("made", THREE)
async def test_terminal_and_dashboard_say_the_same(place, made):
    number = await place.file(made())
    request = await place.handlers["promotions.show"]({"request": number})
    async with place.browser() as browser:
        await browser.open(f"/promotions/{number}")
        shown = plain(browser.html)
    review = review_of(request)
    told = " ".join(on_terminal(request).split())
    tasks = {text for task in review.tasks[24:] for text in sentences(task)}
    said = list(dict.fromkeys(sentences(review)))
    assert len(said) > 100
    for sentence in said:
        assert " ".join(sentence.split()) in shown, sentence
        assert sentence in tasks or " ".join(sentence.split()) in told, sentence


@pytest.mark.parametrize(
    ("made", "word", "advice", "tone"),
    [
        (clear_win, "Nothing speaks against it", "on no kind of them worse. Approve it if you understand", "good"),
        (smuggled_knowledge, "Reject", "The answers stand in its code: it knows the test", "bad"),
        (one_kind_worse, "Reject", "worse at one kind of tasks: temporal, by 0.262", "bad"),
    ],
)
async def test_the_banner_says_in_words_what_to_do(place, made, word, advice, tone):
    await place.enrol()
    number = await place.file(made())
    async with place.browser() as browser:
        await browser.open(f"/promotions/{number}")
    banner = re.search(rf'<section class="verdict {tone}".*?</section>', browser.html, re.DOTALL).group()
    assert re.search(rf"</span>{word}</h2>", banner)
    assert advice in plain(banner)
    approves = re.findall(r'name="decision" value="(\w+)"', browser.html)
    assert approves == (["approve", "reject"] if tone == "good" else ["reject"])


async def test_nothing_that_a_model_wrote_is_obeyed_by_a_browser(place):
    design = Design(f"x = 1  # {HIDING}\n", "hostile")
    results = played(("kind", 3, 1, 0.4, 1, 0.25))
    request = opened(
        design, 0.1, results, rehearsed(design, {}), hypothesis=HIDING, objections=(HIDING,), verdict="failed"
    )
    number = await place.file(request)
    async with place.browser() as browser:
        await browser.open(f"/promotions/{number}")
    assert "<script>alert" not in browser.html
    assert "\x1b" not in browser.html
    assert "\u202e" not in browser.html
    assert "\\x1b[31mred \\u202edesrever" in browser.html


async def test_a_memory_that_was_forgotten_since_is_shown_no_more(place):
    number = await place.file(one_kind_worse())
    place.texts.clear()
    async with place.browser() as browser:
        text = plain(await browser.open(f"/promotions/{number}"))
    assert "(forgotten since) m6" in text
    assert "Frankfurt" not in text


async def test_each_task_leads_to_how_both_played_it(place):
    number = await place.file(clear_win())
    async with place.browser() as browser:
        await browser.open(f"/promotions/{number}")
    assert 'href="/evolution/plays/3/conv-2/multi-hop-08"' in browser.html


async def test_an_empty_section_teaches_the_next_command(place):
    async with place.browser() as browser:
        text = plain(await browser.open("/promotions"))
    assert "Nothing waits for you" in text
    assert "alma-evolve promote" in text


async def test_what_waits_and_how_far_it_is_is_listed(place):
    number = await place.file(clear_win(), ready=False)
    async with place.browser() as browser:
        text = plain(await browser.open("/promotions"))
        assert "hybrid The gate passed it: +0.140 [+0.100, +0.180] on 80 tasks of locomo" in text
        assert "requested gate passed" in text
        one = plain(await browser.open(f"/promotions/{number}"))
    assert "It has not been rehearsed with this home's memories and questions yet" in one
    assert "It can be approved once it has been rehearsed" not in one
    await place.enrol()
    async with place.browser() as browser:
        assert "It can be approved once it has been rehearsed" in plain(await browser.open(f"/promotions/{number}"))
        assert re.findall(r'name="decision" value="(\w+)"', browser.html) == ["reject"]


async def test_how_far_a_rehearsal_is_is_shown_while_it_goes_on(place):
    number = await place.file(clear_win(), ready=False)
    await place.ledger.record(Building(number))
    rules = replace(place.rules, rehearsing=lambda request: (420, 1284) if request == number else None)
    async with Place(place.home, rules, place.clock, {}).browser() as browser:
        text = plain(await browser.open("/promotions"))
        assert "building gate passed" in text
        assert "420 of 1,284" in text
        assert '<progress max="1284" value="420"' in browser.html


async def test_a_request_that_is_unknown_is_told(place):
    async with place.browser() as browser:
        assert "There is no such promotion request" in await browser.open("/promotions/77", status=409)


async def test_a_dossier_that_was_changed_is_not_shown(place):
    number = await place.file(clear_win())
    evidence = place.ledger.promotions()[number].evidence
    file = place.rules.dossiers / f"{evidence}.json"
    file.write_bytes(file.read_bytes().replace(b"0.52", b"0.12"))
    async with place.browser() as browser:
        text = await browser.open(f"/promotions/{number}", status=500)
    assert "was changed after it was filed" in text
