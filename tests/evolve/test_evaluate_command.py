"""`alma-evolve evaluate` over made data of every benchmark, in this process, with this machine's sandbox."""

import json
from statistics import fmean

import pytest
from made import (
    coding_session,
    moments_of,
    write_beam,
    write_coding_stream,
    write_locomo,
    write_longmemeval,
    write_swebench,
)

from alma_mcp.design_store import bundled_designs
from evolve.benchmarks import BENCHMARKS
from evolve.benchmarks.coding_stream import CodingStream
from evolve.benchmarks.locomo import Locomo
from evolve.benchmarks.swebench_stream import SwebenchStream
from evolve.environments import DOMAINS
from evolve.evaluate import evaluate
from evolve.mechanisms import read_recipe

LEXICAL, HYBRID = (bundled_designs()[name] for name in ("lexical", "hybrid"))
USUAL = {"no_memory", "empty", "random", "most_recent", "shuffled"}
WRITTEN = {
    "locomo": (write_locomo, "recall@10"),
    "locomo_turns": (write_locomo, "any@5"),
    "longmemeval": (write_longmemeval, "recall_any@5"),
    "beam": (write_beam, "any@10"),
    "coding_stream": (write_coding_stream, "recall@10"),
    "swebench_stream": (write_swebench, "recall@10"),
}
STREAMS = {"coding_stream", "swebench_stream"}


@pytest.fixture
def evaluated(alma_evolve, tmp_path):
    """The report of `alma-evolve evaluate` on the made data of a benchmark."""

    def run(design, benchmark, *more):
        data = tmp_path / benchmark
        if not data.exists():
            WRITTEN[benchmark][0](data)
        asked = ("--benchmark", benchmark, "--data", data, "--embedder", "none", "--json", *more)
        code, out, err = alma_evolve("evaluate", design, *asked)
        assert code == 0, err
        return json.loads(out.splitlines()[-1])

    return run


def test_every_benchmark_is_evaluated_here_or_where_its_own_data_is_made():
    assert set(BENCHMARKS) == {*WRITTEN, *DOMAINS, "git_history", "replay"}


@pytest.mark.parametrize("benchmark", WRITTEN)
def test_the_last_line_is_one_report_with_metrics_controls_tokens_and_latency(evaluated, benchmark):
    report = evaluated("lexical", benchmark)
    primary = WRITTEN[benchmark][1]
    assert (report["benchmark"], report["split"], report["name"]) == (benchmark, "search", "lexical")
    assert report["tasks"] > 0
    assert report["failures"] == 0
    for metric in report["metrics"].values():
        assert 0.0 <= metric["low"] <= metric["mean"] <= metric["high"] <= 1.0
    assert report["metrics"][primary]["mean"] > report["controls"]["no_memory"] == 0.0
    assert set(report["controls"]) == USUAL | ({"most_popular"} if benchmark in STREAMS else set())
    assert report["controls"]["empty"] == 0.0
    assert report["tokens"] > 0
    assert 0.0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]


def test_the_report_is_the_last_line_below_the_table(alma_evolve, repository):
    asked = ("--benchmark", "git_history", "--data", repository, "--embedder", "none")
    code, out, _ = alma_evolve("evaluate", "lexical", *asked)
    *table, last = out.splitlines()
    assert code == 0
    assert any("recall@10" in line for line in table)
    assert any("control: shuffled" in line for line in table)
    assert json.loads(last)["benchmark"] == "git_history"


@pytest.mark.parametrize("kind", [CodingStream, SwebenchStream])
async def test_the_files_most_often_changed_are_a_control_of_a_stream(tmp_path, laboratory, kind):
    benchmark = kind(WRITTEN[kind.name][0](tmp_path / "data"))
    verdict = await evaluate(LEXICAL, benchmark, "all", laboratory, controls=True)
    scores = [benchmark.popular(scope, task) for scope in benchmark.scopes("all") for task in moments_of(scope)[1]]
    assert verdict.controls["most_popular"] == pytest.approx(fmean(scores))
    assert 0.0 < verdict.controls["most_popular"] < 1.0


async def test_the_popular_files_alone_beat_a_memory_where_everyone_commits_the_same(tmp_path, laboratory):
    sessions = [coding_session(number, files_committed=["all.go"]) for number in range(12)]
    sessions[3]["files_committed"] = []
    benchmark = CodingStream(write_coding_stream(tmp_path / "sessions.jsonl", sessions))
    verdict = await evaluate(bundled_designs()["no_memory"], benchmark, "all", laboratory, controls=True)
    assert verdict.score.mean == 0.0
    assert verdict.controls["most_popular"] == pytest.approx(10 / 11)


async def test_conversations_have_no_popular_files(locomo_file, laboratory):
    verdict = await evaluate(LEXICAL, Locomo(locomo_file, 1), "search", laboratory, controls=True)
    assert set(verdict.controls) == USUAL


async def test_without_controls_none_are_played(tmp_path, laboratory):
    benchmark = CodingStream(write_coding_stream(tmp_path / "sessions.jsonl"))
    assert (await evaluate(LEXICAL, benchmark, "search", laboratory)).controls == {}


def test_a_second_design_is_compared_task_by_task(evaluated):
    report = evaluated("lexical", "locomo", "--against", "no_memory")
    against = report["against"]
    assert (report["name"], against["name"]) == ("lexical", "no_memory")
    assert (against["tasks"], against["wins"], against["ties"], against["losses"]) == (report["tasks"], 12, 0, 0)
    assert against["difference"]["mean"] == report["metrics"]["recall@10"]["mean"] == 1.0
    assert against["p_value"] < 0.01
    assert "against" not in evaluated("lexical", "locomo")


def test_mechanisms_that_are_named_are_the_only_ones(evaluated):
    words = evaluated("hybrid", "locomo", "--mechanisms", "document")
    files = evaluated("hybrid", "locomo", "--mechanisms", "paths")
    assert (words["name"], files["name"]) == ("hybrid[document]", "hybrid[paths]")
    assert words["metrics"]["recall@1"]["mean"] == 1.0
    assert files["metrics"]["recall@10"]["mean"] == 0.0
    assert files["failures"] == 0
    assert len({words["design"], files["design"], HYBRID.id}) == 3


def test_mechanisms_keep_the_designs_own_order_however_they_are_listed(evaluated):
    reports = [
        evaluated("hybrid", "locomo_turns", "--mechanisms", asked) for asked in ("voice, passages", "passages,voice")
    ]
    assert reports[0]["design"] == reports[1]["design"]
    assert reports[0]["name"] == "hybrid[passages, voice]"
    assert reports[0]["metrics"] == reports[1]["metrics"]


@pytest.mark.parametrize("mechanism", read_recipe(HYBRID.source).weights)
def test_every_mechanism_of_hybrid_runs_alone(evaluated, mechanism):
    report = evaluated("hybrid", "coding_stream", "--mechanisms", mechanism)
    assert report["name"] == f"hybrid[{mechanism}]"
    assert report["failures"] == 0
    finds = mechanism in {"document", "passages", "paths"}
    assert (report["metrics"]["recall@10"]["mean"] > 0) == finds


@pytest.mark.parametrize(
    ("design", "mechanisms", "sentence"),
    [
        (
            "hybrid",
            "smell",
            "hybrid has no mechanism 'smell'; it has: document, passages, vectors, paths, voice, recency",
        ),
        ("hybrid", "passages,smell", "hybrid has no mechanism 'smell'"),
        ("hybrid", "", "hybrid has no mechanism ''"),
        ("no_memory", "passages", "no_memory is no RankedMemory with literal weights: it has no mechanisms"),
        ("broken.py", "passages", "broken is not Python"),
    ],
)
def test_mechanisms_that_are_not_there_are_told_in_a_sentence(alma_evolve, tmp_path, design, mechanisms, sentence):
    (tmp_path / "broken.py").write_text("def broken(:")
    data = write_locomo(tmp_path / "locomo.json")
    named = tmp_path / design if design.endswith(".py") else design
    asked = ("--benchmark", "locomo", "--data", data, "--mechanisms", mechanisms)
    code, out, err = alma_evolve("evaluate", named, *asked)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert sentence in err
