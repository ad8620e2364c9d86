"""What hybrid alone does: turns in the light of the turn before, voices, files, recent work."""

import contextlib
import sqlite3

import pytest

from alma_mcp.contract import Experience, Query, Step

DAY = 86400.0


def turn(name, text, session="one", actor="user", **more):
    return Experience(name, "turn", steps=(Step(actor, text),), session=session, **more)


def work(name, prompt, outcome="", **more):
    return Experience(
        name, "session", prompt, (Step("assistant", "It is done."), Step("user", "Go on.")), outcome, **more
    )


@pytest.fixture
def memory(remembering):
    """Hybrid by words alone: by meaning everything is found, however far."""
    memory = remembering("hybrid")
    memory.embedder.up = False
    return memory


async def reasons(memory, text):
    return {item.experiences[0]: " ".join(item.reasons) for item in (await memory.ask(text)).items}


def files(memory):
    """Every byte that the design keeps."""
    state = memory.folder / "0" / "state"
    return b"".join(path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file())


def terms(memory, table):
    """The stems that an index of the design holds."""
    with contextlib.closing(sqlite3.connect(memory.folder / "0" / "state" / "memory.db")) as database:
        database.execute(f"CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, {table}, row)")
        return {term for (term,) in database.execute("SELECT term FROM temp.terms")}


async def test_a_turn_is_found_by_the_words_of_the_turn_before_it_in_its_session(memory):
    await memory.add(
        turn("asked", "Which lighthouse do you like?"),
        turn("elsewhere", "The kayak leaks again.", session="other"),
        turn("answered", "The red one near the pier.", actor="assistant"),
        turn("later", "Then we paint it.", actor="user"),
    )
    assert await memory.found("lighthouse") == ["asked", "answered"]
    assert await memory.found("kayak") == ["elsewhere"]
    assert set(await memory.found("pier")) == {"answered", "later"}


async def test_a_turn_that_begins_a_later_batch_still_knows_the_turn_before_it(memory):
    await memory.add(turn("asked", "Which lighthouse do you like?"))
    await memory.add(turn("answered", "The red one near the pier.", actor="assistant"))
    assert await memory.found("lighthouse") == ["asked", "answered"]


async def test_its_own_words_find_a_turn_before_those_of_the_turn_before_it(memory):
    await memory.add(
        turn("before", "The lighthouse is red."), turn("after", "The pier is long."), turn("own", "A lighthouse, tall.")
    )
    assert (await memory.found("lighthouse"))[-1] == "after"


async def test_a_turn_is_near_in_meaning_to_the_turn_before_it_in_its_session_alone(remembering):
    memory = remembering("hybrid")
    await memory.add(
        turn("asked", "lighthouse harbour island"),
        turn("same", "yes, certainly", session="other"),
        turn("answered", "yes, certainly"),
    )
    places = await reasons(memory, "lighthouse harbour island")
    assert places["answered"].split(", ")[0].startswith("passages #2 vectors #2")
    assert "vectors #3" in places["same"]


async def test_work_is_no_context_and_has_none(memory):
    await memory.add(
        work("done", "Mend the lighthouse", session="one"),
        turn("said", "That was quick."),
        work("next", "Mend the pier", session="one"),
    )
    assert await memory.found("lighthouse") == ["done"]
    assert await memory.found("quick") == ["said"]


@pytest.mark.parametrize("embedder_up", [True, False])
async def test_forgotten_words_lead_to_no_turn_and_leave_no_trace(remembering, embedder_up):
    memory = remembering("hybrid")
    memory.embedder.up = embedder_up
    await memory.add(turn("secret", "The quetzal sleeps in vault eleven."), turn("after", "Good, I shall tell nobody."))
    assert b"quetzal" in files(memory)
    assert "quetzal" in terms(memory, "passages")
    await memory.tell("forgetting", {"experiences": ["secret"]})
    assert b"quetzal" not in files(memory)
    assert "quetzal" not in terms(memory, "passages")
    memory.embedder.up = False
    assert await memory.found("quetzal vault") == []
    assert await memory.found("tell nobody") == ["after"]


async def test_the_meaning_of_a_forgotten_turn_leaves_the_turn_after_it(remembering):
    memory = remembering("hybrid")
    await memory.add(turn("secret", "quetzal vault eleven"), turn("after", "yes, certainly"))
    await memory.tell("forgetting", {"experiences": ["secret"]})
    await memory.projections[0].consolidate()
    never_told = memory.projection()
    await never_told.follow()
    for text in ("quetzal vault eleven", "certainly"):
        answer = await memory.ask(text)
        assert "vectors #1" in answer.items[0].reasons
        assert answer == await never_told.retrieve(Query(text))


async def test_the_turn_after_a_forgotten_one_keeps_its_other_passages(memory):
    long = "The pier is long. " * 40 + "Its railing is copper."
    await memory.add(turn("secret", "quetzal"), turn("after", long))
    await memory.tell("forgetting", {"experiences": ["secret"]})
    assert await memory.found("copper railing") == ["after"]


async def test_two_turns_in_a_row_are_forgotten_together(memory):
    await memory.add(turn("first", "quetzal"), turn("second", "axolotl"), turn("third", "pier"))
    await memory.tell("forgetting", {"experiences": ["first", "second"]})
    assert [await memory.found(word) for word in ("quetzal", "axolotl", "pier")] == [[], [], ["third"]]
    assert not any(word in files(memory) for word in (b"quetzal", b"axolotl"))


async def test_the_users_own_words_go_before_the_same_words_of_an_assistant(memory):
    await memory.add(
        turn("mine", "The port is 5433.", session="one", actor="user"),
        turn("its", "The port is 5433.", session="two", actor="assistant"),
    )
    assert await memory.found("port") == ["mine", "its"]


async def test_a_speaker_whom_the_query_names_goes_first(memory):
    await memory.add(
        turn("by Ada", "Ben likes the pier.", session="one", actor="Ada"),
        turn("by Ben", "Ada likes the pier.", session="two", actor="Ben"),
    )
    assert await memory.found("likes pier") == ["by Ben", "by Ada"]
    assert await memory.found("What did Ada say about the pier that Ada likes?") == ["by Ada", "by Ben"]
    assert (await reasons(memory, "Ben pier")).keys() == {"by Ada", "by Ben"}
    assert "voice" not in (await reasons(memory, "Ben pier"))["by Ada"]


@pytest.mark.parametrize(
    "query", ["foo bar", "fooBar", "FOO", "handlers for bars", "b_c", "src/b_c.py", "where is b c", "c.py"]
)
async def test_work_is_found_by_the_parts_of_a_file_name_in_its_outcome(memory, query):
    await memory.add(
        work("wanted", "Mend it", "Mended.\nsrc/handlers/fooBar.go and src/b_c.py"),
        work("other", "Mend that", "Mended.\nlib/kayak.go"),
        work("none", "Mend more", "Mended, but no file was changed."),
    )
    found = await reasons(memory, query)
    assert next(iter(found)) == "wanted"
    assert "paths #1" in found["wanted"]
    assert not any("paths" in found.get(name, "") for name in ("other", "none"))


async def test_a_file_name_counts_above_the_same_words_in_what_was_said(memory):
    await memory.add(work("file", "Mend it", "src/foo_bar.go"), work("words", "Mend it", "said foo bar go"))
    assert await memory.found("foo bar") == ["file", "words"]


async def asked_at(memory, time):
    answer = await memory.projections[0].retrieve(Query("mend the pier", time=time))
    return [(item.experiences[0], item.score) for item in answer.items]


async def test_recent_work_goes_before_old_work_that_is_equal(memory):
    await memory.add(work("recent", "Mend the pier", time=30 * DAY), work("old", "Mend the pier", time=1 * DAY))
    (first, better), (second, worse) = await asked_at(memory, 31 * DAY)
    assert (first, second) == ("recent", "old")
    assert better - worse == pytest.approx(0.4 * (1 / 2 - 1 / 31))


async def test_recent_work_does_not_go_before_old_work_that_fits_better(memory):
    await memory.add(work("old", "Mend the pier", time=1 * DAY), work("recent", "Mend the kayak", time=30 * DAY))
    assert [name for name, _ in await asked_at(memory, 31 * DAY)] == ["old", "recent"]


async def test_a_turn_gains_nothing_by_being_recent(memory):
    await memory.add(
        turn("recent", "Mend the pier", session="one", time=30 * DAY),
        turn("old", "Mend the pier", session="two", time=1 * DAY),
    )
    (first, better), (second, worse) = await asked_at(memory, 31 * DAY)
    assert (first, second) == ("old", "recent")  # the one stored later, as always between equals
    assert better == worse


def filler(start):
    return tuple(Step("assistant", f"We spoke of number {each} and of much else.") for each in range(start, start + 60))


async def test_the_best_passage_of_a_long_experience_speaks_for_it(memory):
    together = Step("user", "The copper railing of the pier is loose.")
    spread = [Step("user", f"The {word} is fine today.") for word in ("copper", "railing", "pier")]
    await memory.add(
        Experience("together", steps=(*filler(0), together, *filler(60))),
        Experience("spread", steps=(spread[0], *filler(0)[:30], spread[1], *filler(30)[:30], spread[2])),
    )
    found = await reasons(memory, "copper railing pier")
    assert list(found) == ["together", "spread"]
    assert "passages #1" in found["together"]
    assert "document #1" in found["spread"]
    (item, _) = (await memory.ask("copper railing pier")).items
    assert together.text in item.text


async def test_weak_passages_of_an_experience_do_not_speak_against_its_best(memory):
    best, weak = Step("user", "The copper railing of the pier is loose."), Step("user", "Is copper dear?")
    await memory.add(
        Experience("best", steps=(*filler(0), best, *filler(60), weak, *filler(0))),
        Experience("good", steps=(*filler(0), Step("user", "The copper railing is far away."))),
    )
    found = await reasons(memory, "copper railing pier")
    assert "passages #1" in found["best"]
    assert "passages #2" in found["good"]


@pytest.mark.parametrize("repeated", ["a", "a/", "a.", "@-", "/", "./", "a/b.", "a-b/c "])
async def test_an_outcome_of_any_form_is_searched_for_file_names_in_one_pass(memory, repeated):
    """A pattern that begins again at every character would need minutes, and the store would be given up."""
    endless = (repeated * 200_000)[:200_000]
    await memory.add(work("endless", "Mend the pier", endless), work("next", "Paint the pier", "src/pier.go"))
    assert memory.projections[0].quarantined == []
    assert set(await memory.found("pier")) == {"endless", "next"}


async def test_after_a_turn_was_forgotten_a_replay_still_gives_the_same(remembering):
    memory = remembering("hybrid")
    said = {"z": "the zebra is striped", "a": "quite so", "b": "indeed it is", "c": "another matter"}
    turns = (Experience(name, "turn", steps=(Step("ann", text),), session="one") for name, text in said.items())
    await memory.add(*turns)
    await memory.tell("forgetting", {"experiences": ["a"]})
    replayed = memory.projection(3)
    await replayed.follow()
    for text in (*said.values(), "zebra"):
        assert await replayed.retrieve(Query(text)) == await memory.ask(text)
    by_words = [item.experiences[0] for item in (await memory.ask("zebra")).items if "passages #" in str(item.reasons)]
    assert by_words == ["z", "b"]


async def test_the_end_of_the_longest_memory_is_found(remembering):
    memory = remembering("hybrid")
    memory.embedder.up = False
    filler = "x" * 201 + " "
    await memory.add(
        Experience("long", task=filler * 990, steps=(Step("user", filler * 990),), outcome=filler * 980 + "harbour"),
        Experience("short", steps=(Step("user", "nothing of it"),)),
    )
    assert await memory.found("harbour") == ["long"]
