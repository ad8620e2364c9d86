"""What is ours in the comparison with other servers, tried on servers that are a few lines each."""

import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.peers import processes
from bench.peers.__main__ import main
from bench.peers.install import install, why_not
from bench.peers.line import AtSize, Line, Writers
from bench.peers.measure import WRITERS, WRITES, Plan, measure
from bench.peers.peers import PEERS, Peer, Tool, filled, named
from bench.peers.plot import plot
from bench.peers.ratios import percentile, targets
from bench.peers.report import markdown, read_json, show, write_json
from bench.peers.session import mark
from bench.texts import note, question

FAKE = Path(__file__).with_name("fake_server.py")
SMALL = Plan(sizes=(6,), rounds=2, budget=30)
needs_proc = pytest.mark.skipif(not processes.READABLE, reason="cannot run here: processes are read from /proc")
WORDS = {"home", "environment", "text", "query", "number"}


def fake(*manners: str, **more) -> Peer:
    return Peer(
        name="-".join(("fake", *manners)),
        package="fake",
        version="1",
        licence="none",
        source="here",
        registry="here",
        command=(sys.executable, str(FAKE), "{home}/notes.txt", *manners),
        store=Tool("store", {"text": "{text}"}),
        search=Tool("search", {"text": "{query}"}),
        data=("notes.txt",),
        ran_with="nothing",
        **more,
    )


async def measured(tmp_path, *peers: Peer, plan: Plan = SMALL) -> list[Line]:
    return await measure(peers, tmp_path, plan, lambda text: None)


def line(peer: str, **figures) -> Line:
    return Line(peer, "1.0", "a model", semantic=True, **figures)


def ours_and_theirs() -> list[Line]:
    ours = line(
        "ours",
        tools=5,
        tokens=700,
        first_store=3.0,
        to_tools={"cold": [900.0], "warm": [60.0, 50.0, 70.0]},
        to_search={"cold": [1000.0], "warm": [80.0]},
        sizes={100: AtSize(asked=100, searches=[10.0] * 20, stores=[4.0] * 20, hits=20)},
        resident={1: 300.0, 4: 345.0},
        proportional={1: 280.0, 4: 420.0},
        writers=Writers(writes=100, acknowledged=100, errors=0, lost=0, found=100),
    )
    slow = line(
        "slow",
        to_tools={"cold": [2000.0]},
        to_search={"cold": [3000.0]},
        sizes={100: AtSize(asked=90, searches=[40.0] * 20, hits=10, refused=2)},
    )
    empty = line(
        "empty",
        to_tools={"cold": [420.0]},
        sizes={100: AtSize(asked=100, searches=[1.0] * 20)},
        failures={"memory": "x"},
    )
    words = replace(line("words", to_tools={"cold": [1.0]}), semantic=False)
    return [ours, slow, empty, words]


def test_every_row_of_the_table_is_complete():
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert re.fullmatch(r"\d+(\.\d+)+", peer.version), peer.name
        assert all((peer.package, peer.licence, peer.source, peer.ran_with, peer.data, peer.command)), peer.name
        assert "{text}" in str(peer.store.arguments), peer.name
        assert "{query}" in str(peer.search.arguments), peer.name
        used = set(re.findall(r"{(\w+)}", f"{peer.command}{peer.environment}{peer.files}{peer.store}{peer.search}"))
        assert used <= WORDS, peer.name
        re.compile(peer.refused)


def test_words_are_filled_in_at_every_depth():
    arguments = {"entities": [{"name": "n-{number}", "observations": ["{text}"], "limit": 5}]}
    assert filled(arguments, {"number": "7", "text": "it rains"}) == {
        "entities": [{"name": "n-7", "observations": ["it rains"], "limit": 5}]
    }


def test_a_note_is_known_by_words_that_no_question_and_no_other_note_has():
    notes = [note(number) for number in range(300)]
    for number in range(300):
        assert [number] == [each for each, text in enumerate(notes) if mark(number) in text]
        assert mark(number) not in question(number)


def test_percentiles_lie_within_what_was_measured():
    assert percentile([7.0], 95) == 7.0
    assert percentile([float(number) for number in range(101)], 95) == 95.0
    assert percentile([1.0, 2.0], 50) == 1.5


def test_targets_are_ratios_to_the_best_that_searches_by_meaning_and_finds_something():
    start, answer, search, resident, proportional = targets(ours_and_theirs())
    assert (start.ratio, start.verdict.split(":")[0]) == (7.0, "met")
    assert "empty" in start.against
    assert answer.ratio == 37.5
    assert (search.ratio, search.verdict.split(":")[0]) == (4.0, "missed")
    assert "slow" in search.against
    assert (resident.ratio, resident.verdict.split(":")[0]) == (1.15, "met")
    assert (proportional.ratio, proportional.verdict.split(":")[0]) == (1.5, "missed")


def test_a_target_without_figures_is_not_measured():
    assert {target.verdict for target in targets([line("ours"), line("theirs")])} == {"not measured"}


def test_a_result_survives_its_file_and_is_told_whole(tmp_path):
    lines = ours_and_theirs()
    write_json(lines, tmp_path / "result.json")
    assert read_json(tmp_path / "result.json") == lines
    told = markdown(lines)
    assert "| warm start to `tools/list` | 60 | - | - | - |" in told
    assert "| 100: hit@5 | 1.000 | 0.500 | 0.000 | - |" in told
    assert "| 100: notes stored / refused / seconds it took | 100 / 0 / 0 | 90 / 2 / 0 | 100 / 0 / 0 | - |" in told
    assert "| two writers: acknowledged and lost / found again | 0 / 100 | - | - | - |" in told
    assert "- empty, memory: x" in told
    terminal = StringIO()
    show(lines, Console(file=terminal, width=200))
    assert "900" in terminal.getvalue()
    assert "empty, memory: x" in terminal.getvalue()


def test_the_plot_is_well_formed_and_names_every_server_that_was_measured():
    drawn = ET.fromstring(plot(ours_and_theirs()))
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ours", "ours, warm", "ours, cold", "slow (90)", "slow", "empty", "words"} <= set(texts)


@needs_proc
async def test_a_server_is_measured_and_nothing_of_it_runs_afterwards(tmp_path):
    (figures,) = await measured(tmp_path, fake())
    assert figures.failures == {}
    assert figures.tools == 2
    assert figures.tokens > 20
    assert len(figures.to_tools["cold"]) == SMALL.rounds
    assert figures.sizes[6].asked == 6
    assert figures.sizes[6].hit_rate == 1.0
    assert figures.resident[4] > 3 * figures.resident[1] > 0
    assert figures.writers == Writers(WRITERS * WRITES, WRITERS * WRITES, errors=0, lost=0, found=figures.writers.found)
    assert not processes.marked(str(tmp_path / "fake" / "filled"))


async def test_a_server_that_frames_messages_otherwise_is_measured_all_the_same(tmp_path):
    (figures,) = await measured(tmp_path, fake("framed", framing="content-length"))
    assert figures.failures == {}
    assert figures.sizes[6].hit_rate == 1.0


async def test_a_server_that_does_not_start_is_a_line_with_a_reason_and_the_others_are_measured(tmp_path):
    dead, absent, well = await measured(
        tmp_path, fake("dies"), replace(fake("absent"), command=("/nowhere/at-all",)), fake()
    )
    assert dead.failures.keys() == absent.failures.keys() == {"start"}
    assert "nowhere" in absent.failures["start"]
    assert well.failures == {}
    assert "fake-dies, start: " in markdown([well, dead])


async def test_a_server_that_is_too_slow_is_a_line_with_a_reason(tmp_path):
    (figures,) = await measured(tmp_path, fake("hangs"), plan=Plan(sizes=(6,), rounds=1, budget=2))
    assert figures.failures["store at 6"] == "its 2 seconds were used up"
    assert not processes.marked(str(tmp_path / "fake-hangs" / "filled"))


async def test_a_server_that_refuses_every_note_is_a_line_with_a_reason(tmp_path):
    (figures,) = await measured(tmp_path, fake("refuses"))
    assert figures.failures["store at 6"] == "Refused: no room"
    assert figures.writers == Writers(WRITERS * WRITES, acknowledged=0, errors=WRITERS * WRITES, lost=0, found=0)


async def test_writes_that_a_server_acknowledges_and_loses_are_counted(tmp_path):
    (figures,) = await measured(tmp_path, fake("loses"))
    assert figures.writers.acknowledged == WRITERS * WRITES
    assert figures.writers.lost == WRITERS * WRITES / 2


@needs_proc
async def test_a_process_that_outlives_its_session_makes_the_next_start_warm_and_is_ended(tmp_path):
    (figures,) = await measured(tmp_path, fake("stays"))
    assert len(figures.to_tools["warm"]) == len(figures.to_tools["cold"]) == SMALL.rounds
    assert not processes.marked(str(tmp_path / "fake-stays" / "filled"))


def test_a_peer_that_cannot_be_installed_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.peers.peers.CACHE", tmp_path)
    peer = replace(fake(), registry="pypi", python=(3, 99))
    assert "bench.peers install fake" in why_not(peer)
    assert install(peer) == "it needs Python 3.99 or newer, and none is on the path"
    assert why_not(peer) == f"not installed: {install(peer)}"


def test_a_name_that_is_not_in_the_table_is_refused_with_the_names_that_are(capsys):
    assert [peer.name for peer in named(["mempalace"])] == ["mempalace"]
    with pytest.raises(SystemExit):
        main(["run", "nobody"])
    assert "no peer is called nobody; there are: alma-mcp" in capsys.readouterr().err
