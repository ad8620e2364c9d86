"""Another embedder, or none, or one again: memory is rebuilt behind the pointer, and no call fails meanwhile."""

import asyncio

import pytest
from embedding_home import SEEKER, WHO, Made, embedding_home

from alma_mcp.contract import Unavailable
from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.embedders.none import NoEmbedder
from alma_mcp.projections.generation import Generation
from alma_mcp.projections.projection import Limits
from alma_mcp.service import Draft

FACTS = tuple(f"fact {i}: the {thing} is here" for i, thing in enumerate(("anchor", "bread", "comet", "door")))


def by_meaning(reasons) -> bool:
    return any(reason.startswith("vectors") for each in reasons.values() for reason in each)


async def ready(home, embedder) -> bool:
    """What `Parts.keep_embedding` does once."""
    await embedder.load()
    await home.serving.reconcile()
    return await home.serving.fill()


async def test_a_new_embedder_rebuilds_the_memory_and_the_old_one_answers_meanwhile(tmp_path):
    small, large = Made("small", 16), Made("large", 24)
    async with embedding_home(tmp_path, small) as home:
        await home.remember(*FACTS)
        assert by_meaning(await home.reasons("bread"))
    async with embedding_home(tmp_path, large, older=[small]) as home:
        home.serving.live.of(WHO.project)
        answers = []
        swapping = asyncio.create_task(ready(home, large))
        while not swapping.done():
            answers.append(await home.ask("where is the bread"))
            if len(answers) == 2:
                await home.service.update(WHO, Draft("fact 4: the echo is here"))
        assert await swapping
        assert len(answers) >= 2
        assert all(by_meaning({item.text: item.reasons for item in each.items}) for each in answers)
        assert all(not each.notes for each in answers)
        assert home.serving.live.generation.identity == "large 24 1"
        assert by_meaning(await home.reasons("where is the echo"))
        assert home.serving.live.quarantined == 0
        assert home.built == ["2"]
        assert len((await home.ask("fact")).items) == 5
    again = Made("large", 24)
    async with embedding_home(tmp_path, again) as home:
        assert await ready(home, again)
        assert by_meaning(await home.reasons("bread"))
        assert (home.built, again.encoded) == (["2"], ["bread"])


async def test_where_the_old_embedder_is_gone_words_answer_and_the_note_says_so(tmp_path):
    async with embedding_home(tmp_path, Made("small", 16)) as home:
        await home.remember(*FACTS)
    large = Made("large", 24)
    async with embedding_home(tmp_path, large) as home:
        answer = await home.ask("bread")
        assert "bread" in answer.items[0].text
        assert answer.notes[0].startswith("vectors left out: this memory was built with the embedder small 16 1")
        assert await ready(home, large)
        assert by_meaning(await home.reasons("bread"))


async def test_another_model_under_the_same_setting_never_mixes_its_vectors_in(tmp_path):
    async with embedding_home(tmp_path, Made("model", 16)) as home:
        await home.remember(*FACTS)
    exchanged = Made("model", 24)
    async with embedding_home(tmp_path, exchanged) as home:
        answer = await home.ask("bread")
        assert "bread" in answer.items[0].text
        assert "built with the embedder model 16 1" in answer.notes[0]
        await home.remember("fact 4: the echo is here")
        assert "echo" in (await home.ask("echo")).items[0].text
        assert home.serving.live.quarantined == 0
        assert await ready(home, exchanged)
        assert home.serving.live.generation.identity == "model 24 1"
        assert by_meaning(await home.reasons("where is the echo"))


async def test_a_new_embedder_that_cannot_be_had_changes_nothing_until_it_can(tmp_path):
    small, large = Made("small", 16), Made("large", 24, up=False)
    async with embedding_home(tmp_path, small) as home:
        await home.remember(*FACTS)
    async with embedding_home(tmp_path, large, older=[small]) as home:
        with pytest.raises(Unavailable):
            await ready(home, large)
        assert by_meaning(await home.reasons("bread"))
        large.up = True
        assert await ready(home, large)
        assert home.built == ["2"]


async def test_an_embedder_that_fails_while_it_rebuilds_leaves_the_old_memory_in_place(tmp_path):
    small, large = Made("small", 16), Made("large", 24)
    async with embedding_home(tmp_path, small) as home:
        await home.remember(*FACTS)
    async with embedding_home(tmp_path, large, older=[small]) as home:
        await large.load()
        large.up = False
        assert not await ready(home, large)
        assert home.serving.live.generation.identity == "small 16 1"
        assert by_meaning(await home.reasons("bread"))
        large.up = True
        large._rested = 0.0
        assert await ready(home, large)
        assert home.built == ["2"]
        assert by_meaning(await home.reasons("bread"))


async def test_a_rebuild_that_was_killed_goes_on_at_the_next_start(tmp_path):
    small, large = Made("small", 16), Made("large", 24)
    async with embedding_home(tmp_path, small) as home:
        await home.remember(*FACTS)
    half = Generation(tmp_path / "projections" / SEEKER.short / "2", "large")
    half.save()
    async with embedding_home(tmp_path, large, older=[small]) as home:
        assert by_meaning(await home.reasons("bread"))
        assert await ready(home, large)
        assert len((await home.ask("fact")).items) == 4
        assert len(home.built) == 1


async def test_no_embedder_any_more_rebuilds_without_vectors(tmp_path):
    async with embedding_home(tmp_path, Made("small", 16)) as home:
        await home.remember(*FACTS)
    none = NoEmbedder()
    async with embedding_home(tmp_path, none) as home:
        assert await ready(home, none)
        answer = await home.ask("bread")
        assert answer.notes == ("vectors left out: no embedder is configured",)
        assert home.built == ["2"]
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        assert await ready(home, made)
        assert by_meaning(await home.reasons("where is the bread"))
        assert home.built == ["3"]


async def test_a_design_that_never_asked_for_a_vector_is_not_rebuilt(tmp_path):
    lexical = bundled_designs()["lexical"]
    for embedder in (Made("small", 16), Made("large", 24)):
        async with embedding_home(tmp_path, embedder) as home:
            home.champion = lexical
            await home.serving.reconcile()
            await home.remember(*FACTS)
            await ready(home, embedder)
            assert home.built == ["1"]


async def test_a_rollback_to_a_design_that_another_embedder_built_rebuilds_it_too(tmp_path):
    small, large = Made("small", 16), Made("large", 24)
    other = Design(SEEKER.source + "\n# other\n", "other")
    async with embedding_home(tmp_path, small) as home:
        await home.remember(*FACTS)
        home.champion = other
        await home.serving.reconcile()
    async with embedding_home(tmp_path, large, older=[small]) as home:
        home.champion = other
        await ready(home, large)
        home.champion = SEEKER
        await home.serving.reconcile()
        assert home.serving.live.generation.identity == "large 24 1"
        assert by_meaning(await home.reasons("bread"))


async def test_what_waited_for_an_embedder_is_filled_when_there_is_one_and_survives_a_restart(tmp_path):
    down = Made("made", up=False)
    async with embedding_home(tmp_path, down) as home:
        await home.remember(*FACTS)
        answer = await home.ask("bread")
        assert answer.notes == ("vectors left out: made is down",)
    up = Made("made")
    async with embedding_home(tmp_path, up) as home:
        assert home.serving.live.generation.waiting == {WHO.project}
        assert await ready(home, up)
        assert home.serving.live.generation.waiting == set()
        assert by_meaning(await home.reasons("where is the comet"))
        await home.remember("fact 4: the echo is here")
        assert by_meaning(await home.reasons("where is the echo"))


async def test_a_sleep_ends_in_time_and_the_next_one_goes_on(tmp_path):
    made = Made("made", up=False)
    async with embedding_home(tmp_path, made) as home:
        await home.remember(*FACTS)
    made.up = True
    async with embedding_home(tmp_path, made, limits=Limits(sleep_seconds=0)) as home:
        await made.load()
        assert await home.serving.live.of(WHO.project).consolidate()
        assert made.encoded == []
        assert home.serving.live.generation.waiting
    async with embedding_home(tmp_path, made) as home:
        assert not await home.serving.live.of(WHO.project).consolidate()
        assert sorted(made.encoded) == sorted(FACTS)


async def test_new_memories_do_not_wait_for_the_old_ones_to_be_embedded(tmp_path):
    down = Made("made", up=False)
    async with embedding_home(tmp_path, down) as home:
        await home.remember(*FACTS)
        down.up = True
        down._rested = 0.0
        await home.remember("fact 4: the echo is here")
        assert down.encoded == []
        assert "echo" in (await home.ask("echo")).items[0].text
        assert await ready(home, down)
        assert down.encoded == ["echo", *FACTS, "fact 4: the echo is here"]
