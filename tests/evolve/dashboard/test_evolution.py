"""The page Evolution, and the page of a design."""

import re
import sqlite3
import xml.etree.ElementTree as ET

import pytest
from made_archive import HOSTILE, design, evaluation

from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.ledger.champion_ledger import ChampionLedger
from evolve.archive import Cost
from evolve.config import SearchSettings
from evolve.dashboard.reader import REST, Reader

SEEDS = bundled_designs()


def tree_of(source):
    """The drawn tree: by the id that each card leads to its element."""
    svg = re.search(r'<svg class="tree[^"]*" viewBox[^>]*role="group".*?</svg>', source, re.DOTALL).group(0)
    return {each.get("href").rpartition("/")[2]: each for each in ET.fromstring(svg).iter("a")}


def classes(card):
    return next(each.get("class") for each in card.iter("rect")).split()


def told(card):
    return " ".join(each for text in card.iter("text") for each in text.itertext())


def test_an_empty_home_says_how_a_search_is_started_and_stays_empty(empty_pages, nobody):
    words = empty_pages.reads("/evolution")
    assert "No design has been evolved yet" in words
    assert "alma-evolve run --config configs/evolve/locomo.toml" in words
    assert not nobody.home.path.exists()


def test_every_design_is_drawn_with_its_score_its_interval_and_where_it_leads(pages):
    cards = tree_of(pages.source("/evolution?run=all"))
    assert set(cards) == {design(name).id for name in ("seed", "child", "grandchild", "slow", "broken", "other")}
    grandchild = cards[design("grandchild").id]
    assert "0.800 [" in told(grandchild)
    assert "interval" in [each.get("class") for each in grandchild.iter("path")]
    assert cards[design("grandchild").id].get("aria-label").startswith("grandchild (")
    assert "about 0.410, out at proxy" in told(cards[design("slow").id])
    assert "interval" not in [each.get("class") for each in cards[design("slow").id].iter("path")]
    assert "at smoke" in told(cards[design("broken").id])
    assert [classes(cards[design(name).id])[1] for name in ("child", "slow", "broken")] == [
        "scored", "eliminated", "rejected",
    ]  # fmt: skip


def test_the_same_is_in_words_best_first(pages):
    table = pages.source("/evolution?run=all").partition('id="designs"')[2]
    places = [
        table.index(f">{name}</a></strong>") for name in ("grandchild", "child", "other", "seed", "slow", "broken")
    ]
    assert places == sorted(places)
    words = pages.reads("/evolution?run=all")
    assert "grandchild helps" in words
    assert "rejected at smoke: KeyError" in words


async def test_champion_finalists_stepping_stones_and_controls_are_marked(pages, person):
    with person.archive() as archive:
        seed, made = archive.design(archive.entry("seed")), [design(name) for name in ("stone", "heir", "scratch")]
        stone, heir, scratch = made
        champion = SEEDS["lexical"]
        for one, parents in ((champion, []), (stone, [seed.id]), (heir, [stone.id]), (scratch, [])):
            archive.add(one, "openai", "", parents, 50.0)
        for one, solved in ((champion, 3), (stone, 2), (heir, 9), (scratch, 1)):
            scores = {f"task-{number}": float(number < solved) for number in range(10)}
            archive.judge(one.id, "locomo", "search", evaluation(one, scores))
        run = archive.journal.runs()[-1]
        for step, one in (("2.1", champion), ("2.2", stone), ("2.3", heir), ("2.4", scratch)):
            archive.journal.record(run, step, {"design": one.id, "outcome": "evaluated", "control": one is scratch})
    ledger = await ChampionLedger.open(person.home.ledger, champion, lambda _: True)
    await ledger.close()
    cards = tree_of(pages.source("/evolution?run=all"))
    assert "champion" in classes(cards[champion.id])
    assert "stepping-stone" in classes(cards[stone.id])
    assert "control" in classes(cards[scratch.id])
    marked = {one for one, card in cards.items() if "finalist" in classes(card)}
    assert marked == {design("grandchild").id}, "of the latest challenge"
    assert "★" in told(cards[champion.id])
    assert "; stepping stone" in cards[stone.id].get("aria-label")
    lines = [each.get("class") for each in cards[heir.id].iter("path")]
    assert "reference" in lines, "the champion's score is a line in every card"


def test_before_anybody_was_challenged_the_finalists_are_the_three_best(pages, person):
    with sqlite3.connect(person.home.archive) as database:
        database.execute("DELETE FROM challenges")
    cards = tree_of(pages.source("/evolution?run=all"))
    marked = {one for one, card in cards.items() if "finalist" in classes(card)}
    assert marked == {design(name).id for name in ("grandchild", "child", "other")}


def test_a_run_is_chosen_and_the_latest_is_the_default(pages, person):
    with person.archive() as archive:
        settings = SearchSettings(benchmark="beam").model_dump_json()
        run = archive.journal.begin(settings, 1, "beam", [design("seed").id])
        made = design("of-beam")
        archive.add(made, "openai", "", [design("seed").id], 60.0)
        archive.judge(made.id, "beam", "search", evaluation(made, {"x": 1.0}, "beam"))
        archive.journal.record(run, "1.1", {"design": made.id, "outcome": "evaluated"})
    assert set(tree_of(pages.source("/evolution"))) == {made.id, design("seed").id}
    assert set(tree_of(pages.source(f"/evolution?run={run.id}"))) == {made.id, design("seed").id}
    first = set(tree_of(pages.source("/evolution?run=1")))
    assert made.id not in first
    assert design("child").id in first
    assert len(tree_of(pages.source("/evolution?run=all"))) == 7
    assert "5 more designs of the archive are not of this run" in pages.reads("/evolution")


def test_failures_are_left_out_of_the_tree_if_asked_and_stay_in_the_table(pages):
    cards = tree_of(pages.source("/evolution?run=all&failures=no"))
    assert set(cards) == {design(name).id for name in ("seed", "child", "grandchild", "other")}
    words = pages.reads("/evolution?run=all&failures=no")
    assert "2 designs that led nowhere are not drawn" in words
    assert "rejected at smoke" in words


def test_three_hundred_designs_are_drawn(pages, person):
    with person.archive() as archive:
        before = design("seed")
        for number in range(300):
            made = design(f"made-{number}")
            archive.add(made, "openai", "", [before.id], 100.0 + number)
            archive.judge(made.id, "locomo", "search", evaluation(made, {"task-0": float(number % 2)}))
            before = made if number % 7 else design("other")
    assert len(tree_of(pages.source("/evolution?run=all"))) == 306


def test_what_others_wrote_is_text_and_nothing_else(pages, person):
    hostile = Design("x = 1  # </script><script>alert(1)</script>\n", HOSTILE)
    with person.archive() as archive:
        archive.add(hostile, HOSTILE, HOSTILE, [design("seed").id], 9.0)
    for path in ("/evolution?run=all", f"/evolution/designs/{hostile.id}"):
        source = pages.source(path)
        assert "<script>alert" not in source
        assert "\x1b" not in source
        assert " style=" not in source, "the page's policy lets no such attribute count"


def test_a_design_says_what_it_claims_and_what_was_found(pages):
    words = pages.reads(f"/evolution/designs/{design('child').id}")
    for said in (
        "child helps", "Refuted by no gain", "Made from seed", "Became grandchild", "0.600 [", "0.500 [",
        "search split, which the search may learn from", "validation split, which no proposal is shown",
        "2 calls, 3,000 tokens, $0.25", "Names are worth more than dates.", "borne out 3 times, not 1",
        "run 1", "What was changed in seed", "What child does.", "1. Do.",
    ):  # fmt: skip
        assert said in words
    links = pages.links(f"/evolution/designs/{design('child').id}")
    assert {f"/evolution/designs/{design(name).id}" for name in ("seed", "grandchild")} <= set(links)


def test_a_design_is_found_by_its_name_too_and_shows_the_gate_it_stood_at(pages):
    assert "/evolution/plays/1" in pages.links("/evolution/designs/grandchild")


def test_a_design_without_a_parent_shows_its_code_and_no_difference(pages):
    source = pages.source("/evolution/designs/seed")
    assert "What was changed in" not in source
    assert '<details id="code" open>' in source


def test_a_rejection_is_told_with_its_reason(pages):
    assert "It was rejected at smoke: KeyError: 'x'" in pages.reads("/evolution/designs/broken")


def test_the_controls_of_an_evaluation_stand_beside_it_with_what_it_gains(pages, person):
    with person.archive() as archive:
        made = archive.design(archive.entry("other"))
        verdict = evaluation(made, {"a": 1.0, "b": 1.0}, split="validation")
        verdict.control_scores["empty"] = {"a": 0.0, "b": 1.0}
        archive.judge(made.id, "locomo", "validation", verdict)
    words = pages.reads("/evolution/designs/other")
    assert "Beside its controls: locomo, validation split" in words
    assert "empty 0.500 0.500 [" in words


def test_what_the_audit_finds_is_shown_where_the_code_is(pages, person):
    bad = Design("import os\nfrom alma_mcp.contract import Memory\n\n\nclass Bad(Memory):\n    x = eval('1')\n", "bad")
    with person.archive() as archive:
        archive.add(bad, "openai", "", [], 9.0)
    words = pages.reads("/evolution/designs/bad")
    assert "serious" in words
    assert "eval" in words


def test_no_gate_score_is_on_the_page_of_a_design(pages, person):
    with person.archive() as archive:
        made = archive.design(archive.entry("child"))
        archive.judge(made.id, "locomo", "gate", evaluation(made, {"secret": 0.987}, split="gate"))
    for path in ("/evolution", "/evolution/designs/child", "/runs", "/runs/1"):
        assert not {"0.987", "secret"} & set(pages.reads(path).split())


def test_a_design_that_is_not_there_is_a_sentence(pages, empty_pages):
    assert "The archive has no single design 'nothing'" in pages.reads("/evolution/designs/nothing", 404)


def test_without_an_archive_a_design_is_a_sentence_too(empty_pages):
    assert "There is no archive here yet" in empty_pages.reads("/evolution/designs/nothing", 404)


def test_a_damaged_archive_is_a_sentence(pages, person):
    person.home.archive.write_bytes(b"not a database, whatever it was before" * 100)
    for path in ("/evolution", "/runs", "/evolution/designs/child", "/evolution/plays/1"):
        assert "archive.db" in pages.reads(path, 500)


def test_whoever_looks_on_waits_for_no_writer_and_changes_nothing(pages, person):
    with person.archive() as archive, archive.transaction():
        archive.journal.spend(archive.journal.run(1), "1.2", Cost("meta", "x", calls=1))
        before = person.home.archive.read_bytes()
        assert "child" in pages.reads("/evolution")
        assert "Run 1 on locomo" in pages.reads("/runs")
        assert person.home.archive.read_bytes() == before


async def test_what_took_long_to_read_is_not_read_again_at_once(person):
    now, times = [0.0], []
    reader = Reader(person.home, person.archive().store, lambda: now[0])

    def look(archive):
        times.append(now[0])
        now[0] += 3.0
        return len(archive.entries())

    assert await reader.read_once("designs", look) == 6
    with person.archive() as archive:
        archive.add(design("new"), "openai", "", [], 99.0)
    now[0] += REST * 3.0 - 1.0
    assert await reader.read_once("designs", look) == 6
    now[0] += 1.0
    assert await reader.read_once("designs", look) == 7
    now[0] += 1000.0
    assert await reader.read_once("designs", look) == 7
    assert len(times) == 2, "nothing was written since"


@pytest.mark.parametrize("path", ["/evolution", "/runs", "/evolution/designs/child", "/evolution/plays/1"])
def test_nobody_sees_a_page_who_is_not_signed_in(pages, path):
    pages._browser.cookies.clear()
    assert "not signed in" in pages.source(path, 401)
