"""What one seed does and the others do not."""

from alma_mcp.contract import Experience, Step
from alma_mcp.design_store import bundled_designs
from alma_mcp.embedding import OnnxEmbedder


def note(name, text, **more):
    return Experience(name, steps=(Step("user", text),), **more)


async def test_lexical_finds_the_parts_and_the_stems_of_an_identifier(remembering):
    memory = remembering("lexical")
    await memory.add(note("reset", "resetPassword mails a link"), note("other", "the_invoice_builder adds tax"))
    assert await memory.found("resetting a password") == ["reset"]
    assert await memory.found("building invoices") == ["other"]


async def test_lexical_finds_words_of_other_scripts(remembering):
    memory = remembering("lexical")
    await memory.add(note("ru", "сервер слушает порт"), note("zh", "测试需要数据库"), note("fr", "le café est fermé"))
    assert await memory.found("порт") == ["ru"]
    assert await memory.found("数据库") == ["zh"]
    assert await memory.found("cafe") == ["fr"]


async def test_lexical_ranks_the_newest_where_every_word_is_common(remembering):
    memory = remembering("lexical")
    for start in range(0, 2100, 100):
        for number in range(start, start + 100):
            await memory.log.append("s", "experience", note(str(number), "common words").to_json(), 0.0)
    await memory.projections[0].follow()
    found = await memory.found("common words")
    assert len(found) == 10
    assert all(int(each) >= 100 for each in found)


async def test_trajectory_retrieval_returns_the_whole_trajectory(remembering):
    memory = remembering("trajectory_retrieval")
    steps = tuple(Step("agent", f"step {number} of the long way") for number in range(200))
    walk = Experience("walk", task="fetch the blue key", steps=steps, outcome="done")
    await memory.add(walk)
    (item,) = (await memory.ask("fetch a key that is blue")).items
    assert item.text == walk.text


async def test_hybrid_says_when_it_had_to_leave_meaning_out(remembering):
    memory = remembering("hybrid")
    memory.embedder.up = False
    await memory.add(note("a", "the harbour branch"))
    answer = await memory.ask("harbour")
    assert [item.experiences for item in answer.items] == [("a",)]
    assert answer.note == "vectors left out: the embedder is switched off"


async def test_hybrid_embeds_later_what_it_could_not_embed_at_once(remembering):
    memory = remembering("hybrid")
    memory.embedder.up = False
    await memory.add(note("early", "the harbour branch"))
    memory.embedder.up = True
    await memory.add(note("late", "something else"))
    answer = await memory.ask("harbour")
    reasons = {item.experiences[0]: item.reasons for item in answer.items}
    assert answer.note == ""
    assert "vectors #1" in reasons["early"]


async def test_hybrid_puts_the_newer_of_two_equals_first(remembering):
    memory = remembering("hybrid")
    await memory.add(note("old", "the port is free", time=1.0), note("new", "the port is free", time=2.0))
    assert await memory.found("port") == ["new", "old"]


async def test_lexical_puts_the_newer_of_two_equals_first(remembering):
    memory = remembering("lexical")
    await memory.add(note("old", "the port is free"), note("new", "the port is free"))
    assert await memory.found("port") == ["new", "old"]


async def test_hybrid_puts_what_helped_above_what_did_harm(remembering):
    memory = remembering("hybrid")
    await memory.add(*(note(name, f"way {name} to build the docs") for name in ("north", "south", "west")))
    await memory.tell("feedback", {"experiences": ["south"], "signal": "helpful"})
    await memory.tell("feedback", {"experiences": ["west"], "signal": "harmful"})
    found = await memory.found("way to build the docs")
    assert found == ["south", "north", "west"]


async def test_hybrid_finds_a_paraphrase_by_the_real_model(remembering):
    memory = remembering("hybrid")
    memory.embedder = OnnxEmbedder()
    memory.projections[:] = []
    memory.projection()
    await memory.add(
        note("crash", "The program dies when the disk is full."),
        note("colour", "Buttons are painted green on hover."),
        note("lunch", "The canteen serves soup on Fridays."),
    )
    assert (await memory.found("application terminates, no storage space left"))[0] == "crash"


async def test_items_of_hybrid_tell_why_they_came(remembering):
    memory = remembering("hybrid")
    await memory.add(note("a", "the harbour branch"))
    (item,) = (await memory.ask("harbour branch")).items
    assert item.reasons == ("passages #1", "vectors #1", "voice #1", "recency #1")
    assert item.text == "user: the harbour branch"


async def test_every_design_comes_with_a_card(tmp_path):
    from alma_mcp.design_store import BUNDLED

    for name in bundled_designs():
        assert (BUNDLED / name / "card.md").read_text(encoding="utf-8").startswith(f"# {name}\n")
