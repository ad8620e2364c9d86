"""What a person sees of an archive: `archive`, `list`, `show`, `status`, `diff` and `compare`."""

import pytest
from made_archive import HOSTILE, METRIC, Person, design, evaluation, fill

from alma_mcp.design_store import bundled_designs
from evolve.archive import Cost
from evolve.book import Booked
from evolve.config import SearchSettings, load_search
from evolve.episode import Episode, EpisodeStep, Game
from evolve.episodes import Episodes
from evolve.evaluation import Rejection, TaskResult


@pytest.fixture
def nobody(tmp_path, capsys):
    """A person whose archive is empty."""
    return Person(tmp_path / "home", capsys)


@pytest.fixture
def person(nobody):
    with nobody.archive() as archive:
        fill(archive)
    return nobody


@pytest.mark.parametrize("command", ["archive", "list", "status", "lineage"])
def test_an_empty_archive_says_how_a_search_is_started(nobody, command):
    assert "The archive is empty. Next: alma-evolve run --config" in nobody.reads(command)


@pytest.mark.parametrize(
    ("command", "empty"),
    [
        ("archive", []),
        ("list", []),
        ("status", {"designs": 0, "runs": [], "spending": {}, "benchmarks": [], "at_work": None, "openings": []}),
        ("lineage", {"benchmark": "", "designs": []}),
    ],
)
def test_an_empty_archive_is_empty_data(nobody, command, empty):
    assert nobody.asks(command) == empty


@pytest.mark.parametrize(
    "arguments",
    [("show", "nothing"), ("diff", "nothing", "child"), ("compare", "child", "nothing"), ("lineage", "nothing"),
     ("export", "nothing", "--to", "folder")],
)  # fmt: skip
def test_a_design_that_is_not_there_is_a_sentence(person, arguments):
    assert "The archive has no single design 'nothing'" in person.is_told(*arguments)


def test_the_archive_is_listed_best_first_then_the_eliminated_then_the_rejected(person):
    names = [row["name"] for row in person.asks("archive")]
    assert names == ["grandchild", "child", "other", "seed", "slow", "broken"]
    assert person.asks("list") == person.asks("archive")
    text = person.reads("archive")
    assert text == person.reads("list")
    places = [text.index(name) for name in names]
    assert places == sorted(places)
    assert "0.800 [" in text
    assert "about 0.410, out at proxy" in text
    assert "rejected at smoke" in text


def test_a_row_of_the_archive_has_what_became_of_a_design(person):
    rows = {row["name"]: row for row in person.asks("archive")}
    assert rows["grandchild"]["score"]["mean"] == 0.8
    assert (rows["grandchild"]["status"], rows["grandchild"]["primary"]) == ("scored", METRIC)
    assert rows["grandchild"]["parents"] == [rows["child"]["id"], rows["other"]["id"]]
    assert rows["grandchild"]["hypothesis"] == "grandchild helps"
    assert (rows["slow"]["status"], rows["slow"]["stage"], rows["slow"]["estimate"]) == ("eliminated", "proxy", 0.41)
    assert (rows["broken"]["status"], rows["broken"]["score"]) == ("rejected", None)


def test_a_wide_terminal_shows_parents_and_hypotheses(person, monkeypatch):
    assert "grandchild helps" not in person.reads("archive")
    monkeypatch.setenv("COLUMNS", "180")
    text = person.reads("archive")
    assert "grandchild helps" in text
    assert design("child").short in text.split("grandchild")[1]


def test_a_benchmark_is_chosen_by_the_beginning_of_its_name(person):
    with person.archive() as archive:
        made = archive.design(archive.entry("seed"))
        for name in ("babaisai/scripted/train", "babaisaid"):
            archive.judge(made.id, name, "search", evaluation(made, {"a": 1.0}, name))
    assert {row["benchmark"] for row in person.asks("archive", "--benchmark", "babaisai")} == {
        "babaisai/scripted/train"
    }
    assert {row["benchmark"] for row in person.asks("archive")} == {"babaisai/scripted/train", "babaisaid", "locomo"}
    assert "Nothing was evaluated on baba. There is: " in person.reads("archive", "--benchmark", "baba")


def test_a_design_is_shown_with_what_it_claims_and_what_became_of_it(person):
    text = person.reads("show", "child")
    for told in (
        "by openai (gpt)", "Hypothesis: child helps", "Refuted by: no gain", "Plan: 1. Do.", "Parents: seed ",
        "Children: grandchild ", "locomo, search: 0.600 [", "locomo, validation: 0.500 [",
        "Lesson (held 3, failed 1): Names are worth more than dates.", "Cost, meta: 2 calls, 3,000 tokens, $0.25",
        "Cost, agent: 20 calls, 9,000 tokens, an unknown price, 10 episodes", "Proposed in run 1, step 1.1",
    ):  # fmt: skip
        assert told in text
    assert text.endswith(design("child").source)


def test_a_design_as_data_has_the_same_and_its_source(person):
    data = person.asks("show", design("child").short)
    assert (data["refuted_by"], data["plan"], data["who"]) == ("no gain", "1. Do.", "gpt")
    assert data["proposed"] == {"run": 1, "step": "1.1"}
    assert [(each["benchmark"], each["split"]) for each in data["verdicts"]] == [
        ("locomo", "search"),
        ("locomo", "validation"),
    ]
    assert data["lessons"] == [{"line": "Names are worth more than dates.", "held": 3, "failed": 1}]
    assert data["costs"]["meta"]["dollars"] == 0.25
    assert data["costs"]["agent"]["unpriced"]
    assert data["source"] == design("child").source
    assert person.asks("show", "seed")["proposed"] is None


def test_what_planting_a_seed_cost_is_shown_with_the_seed(person):
    with person.archive() as archive:
        archive.journal.spend(archive.journal.run(1), "seed seed", Cost("agent", "nano", episodes=30))
    assert person.asks("show", "seed")["costs"]["agent"]["episodes"] == 30


def test_no_verdict_of_the_gate_is_ever_shown(person):
    with person.archive() as archive:
        made = archive.design(archive.entry("child"))
        archive.judge(made.id, "locomo", "gate", evaluation(made, {"secret": 0.987}, split="gate"))
    shown = [person.reads("show", "child"), person.reads("show", "child", "--json"), person.reads("status")]
    assert not any("0.987" in text or "secret" in text for text in shown)
    code, _, err = person.types("compare", "child", "seed", "--split", "gate")
    assert code == 2
    assert "'gate' is not one of" in err


@pytest.mark.parametrize("command", [("archive",), ("show", "feed"), ("status",), ("lineage",)])
def test_what_a_model_has_written_is_shown_and_not_obeyed(person, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    with person.archive() as archive:
        made = design("feed")
        archive.add(made, "openai", HOSTILE, [], 9.0)
        archive.judge(made.id, "locomo", "search", Rejection(made.id, "smoke", HOSTILE))
    text = person.reads(*command)
    assert "\x1b" not in text
    if command[0] in ("archive", "show"):
        assert "[/bold]" in text


def test_an_episode_is_shown_as_text_and_as_data(nobody):
    game = Game("babaisai", "level", 3, "kind")
    steps = (EpisodeStep("up", "a wall", 0.0), EpisodeStep("jump", "nothing", 0.5, "no action"))
    episode = Episode(game, "scripted", 1, "win", "a room", ("one\ntwo\nthree\nfour\nfive",), steps, 0.5, won=False)
    number = Episodes(nobody.home.episodes).keep("babaisai", episode)
    text = nobody.reads("show", number)
    assert "and 1 more lines; --memory" in text
    assert "five" not in text
    assert "five" in nobody.reads("show", number, "--memory")
    data = nobody.asks("show", number)
    assert data["episode"] == number
    assert Episode.from_json({key: value for key, value in data.items() if key != "episode"}) == episode


def test_the_status_tells_of_runs_spending_the_best_and_the_gate(person):
    text = person.reads("status")
    for told in (
        "6 designs in the archive.", "Run 1 on locomo: 1 of 2 rounds done, 2 candidates",
        "spent, meta: 2 calls, 3,000 tokens, $0.25", "locomo: 4 scored, 1 eliminated, 1 rejected",
        "grandchild: 0.800 [",
        "Gate of locomo, opening 1, 1970-01-02: grandchild against seed, failed",
    ):  # fmt: skip
        assert told in text
    data = person.asks("status")
    assert data["runs"][0]["configuration"]["benchmark"] == "locomo"
    assert data["benchmarks"][0]["best"][0]["name"] == "grandchild"
    assert (data["openings"][0]["number"], data["openings"][0]["challenger_name"]) == (1, "grandchild")


def test_an_unfinished_run_goes_on_with_the_command_of_its_settings(person, tmp_path, monkeypatch):
    assert "goes on with: alma-evolve run --benchmark locomo --rounds 2\n" in person.reads("status")
    (tmp_path / "configs" / "evolve").mkdir(parents=True)
    file = tmp_path / "configs" / "evolve" / "mine.toml"
    file.write_text('benchmark = "locomo"\nseed = 7\ndata = "here.json"\n')
    monkeypatch.chdir(tmp_path)
    settings = load_search(file)
    other = SearchSettings(benchmark="beam", seed=9)
    with person.archive() as archive:
        archive.journal.begin(settings.model_dump_json(), 3)
        archive.journal.begin(settings.model_copy(update={"data": "there it is.json"}).model_dump_json(), 4)
        archive.journal.begin(other.model_dump_json(), 5)
        archive.journal.begin('{"of": "an older version"}', 6)
        finished = archive.journal.begin(SearchSettings(benchmark="beam").model_dump_json(), 1)
        archive.journal.finish_round(finished, 1)
    assert [run["go_on"] for run in person.asks("status")["runs"]] == [
        "alma-evolve run --benchmark locomo --rounds 2",
        "alma-evolve run --config configs/evolve/mine.toml --rounds 3",
        "alma-evolve run --config configs/evolve/mine.toml --data 'there it is.json' --rounds 4",
        "",
        "",
        "",
    ]
    assert "goes on with: the command that it was started with" in person.reads("status")


def test_a_diff_shows_what_changes_from_one_design_to_another(person):
    text = person.reads("diff", "seed", "child")
    assert text.startswith(f"--- seed {design('seed').short}\n+++ child {design('child').short}\n")
    assert '-name = "seed"\n+name = "child"\n' in text
    data = person.asks("diff", "seed", "child")
    assert (data["added"], data["removed"]) == (2, 2)
    assert data["diff"] + "\n" == text
    assert "are the same, to the letter" in person.reads("diff", "seed", "seed")


def test_a_bundled_design_and_a_file_can_be_compared_line_by_line_too(nobody, tmp_path):
    draft = tmp_path / "draft.py"
    draft.write_text(bundled_designs()["lexical"].source + "more = 1\n\x1b[31m = 2\n")
    text = nobody.reads("diff", "lexical", draft)
    assert "+more = 1\n" in text
    assert "\x1b" not in text


def test_two_designs_are_compared_on_the_tasks_that_both_have_played(person):
    data = person.asks("compare", "grandchild", "slow")
    assert (data["benchmark"], data["split"], data["primary"]) == ("locomo", "search", METRIC)
    assert (data["tasks"], data["wins"], data["ties"], data["losses"]) == (2, 1, 1, 0)
    assert (data["a"]["alone"], data["b"]["alone"]) == (8, 0)
    assert data["difference"]["mean"] == 0.5
    assert data["largest_gains"] == [{"task": "task-0", "a": 1.0, "b": 0.0, "difference": 1.0}]
    assert data["largest_losses"] == []
    text = person.reads("compare", "seed", "grandchild")
    assert "Difference -0.400 [" in text
    assert "0 wins, 6 ties, 4 losses" in text
    assert "The largest losses:\n  -1.000  0.000 against 1.000  task-4\n" in text
    assert "The largest gains" not in text


def test_what_is_on_the_books_counts_before_the_verdict_is_there(person):
    with person.archive() as archive:
        for name, scores in (("seed", (0.0, 1.0, 0.0)), ("broken", (1.0, 1.0))):
            book = archive.book(archive.entry(name).id, "locomo", "search")
            for seed, score in enumerate(scores):
                book.keep(Booked(TaskResult("played twice", "c", {METRIC: score}, 1, 1.0, seed=seed)))
    data = person.asks("compare", "broken", "seed")
    assert (data["tasks"], data["largest_gains"][0]["b"], data["difference"]["mean"]) == (1, 0.5, 0.5)


def test_designs_without_a_common_task_are_told_so(person):
    assert "seed has no results on the validation split" in person.is_told(
        "compare", "child", "seed", "--split", "validation"
    )
    with person.archive() as archive:
        made = archive.design(archive.entry("seed"))
        archive.judge(made.id, "locomo", "validation", evaluation(made, {"w": 1.0}, split="validation"))
    assert "have played no task in common" in person.is_told("compare", "child", "seed", "--split", "validation")
    assert "'nowhere' has no results here" in person.is_told("compare", "child", "seed", "--benchmark", "nowhere")
