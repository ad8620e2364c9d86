"""Vectors by content: computed once for all designs of a home, gone with what was forgotten."""

import asyncio
import base64

import numpy as np
import pytest
from embedding_home import SEEKER, WHO, Made, embedding_home

from alma_mcp.access import Principal
from alma_mcp.design_store import Design
from alma_mcp.logs.experience_log import Forgetting
from alma_mcp.projections.taking_in import TakingIn
from alma_mcp.vector_cache import VectorCache, cache_key

OTHER = Design(SEEKER.source + "\n# another one that embeds the same\n", "other")
FACTS = ("the harbour is closed", "bread wants salt", "the moon is far")


def vector(seed: int, dimension: int = 16):
    return np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)


def vectors(*seeds: int):
    return {cache_key("made", str(seed)): vector(seed) for seed in seeds}


@pytest.fixture
async def cache(tmp_path):
    cache = await VectorCache.open(tmp_path / "embeddings.db")
    yield cache
    await cache.close()


async def test_a_swap_to_a_design_that_embeds_the_same_texts_computes_nothing_anew(tmp_path):
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        await home.remember(*FACTS)
        made._recent.clear()
        encoded = len(made.encoded)
        home.champion = OTHER
        await home.serving.reconcile()
        assert home.serving.live.design == OTHER
        assert len(made.encoded) == encoded
        reasons = await home.reasons("bread")
    assert any("vectors" in reason for each in reasons.values() for reason in each)


async def test_after_a_restart_the_cache_still_knows(tmp_path):
    async with embedding_home(tmp_path, Made("made")) as home:
        await home.remember(*FACTS)
    again = Made("made")
    async with embedding_home(tmp_path, again) as home:
        home.champion = OTHER
        await home.serving.reconcile()
        assert again.encoded == []


async def test_a_cached_vector_is_the_fresh_one_to_the_last_bit(tmp_path, cache):
    from alma_mcp.logs.recordings import Recordings
    from alma_mcp.toolkit import HostToolkit

    recordings = await Recordings.open(tmp_path / "recordings.db")
    ask = {"texts": ["one", "two", "one"], "taking_in": TakingIn(1, 0)}
    fresh, cached = [
        await HostToolkit("d", Made("made"), None, recordings, vectors=cache).answer("embed", ask) for _ in range(2)
    ]
    assert fresh == cached
    assert fresh[0] == fresh[2]
    assert len(base64.b64decode(fresh[0])) == 16 * 4
    await recordings.close()


async def test_queries_are_not_kept(tmp_path):
    async with embedding_home(tmp_path, Made("made")) as home:
        await home.remember(*FACTS)
        await home.ask("a question of mine")
        identity = "made 16 1"
        assert await home.cache.get([cache_key(identity, "bread wants salt")])
        assert not await home.cache.get([cache_key(identity, "a question of mine")])


async def test_vectors_of_another_embedder_are_not_taken(cache):
    await cache.put(vectors(1), "s", TakingIn(1, 0))
    assert await cache.get([cache_key("made", "1"), cache_key("other", "1")]) != {}
    assert await cache.get([cache_key("other", "1")]) == {}


async def test_forgetting_leaves_no_vector_of_the_forgotten_text_in_any_file(tmp_path):
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        _, (secret,), _ = [await home.remember(fact) for fact in FACTS]
        kept, gone, _ = (each.tobytes() for each in await made.embed(FACTS))
        await home.cache._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert gone in everything(tmp_path)
        await home.service.forget(WHO, [secret])
        await home.taken_in()
        assert gone not in everything(tmp_path)
        assert kept in (tmp_path / "embeddings.db").read_bytes()


def everything(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


async def test_forgetting_in_one_scope_leaves_the_other_scopes_vectors(tmp_path):
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        (mine,) = await home.remember("mine")
        await home.remember("theirs", who=Principal("session-2", "project:/b"))
        await home.service.forget(WHO, [mine])
        assert await home.cache.get([cache_key(made.identity, "theirs")])
        assert not await home.cache.get([cache_key(made.identity, "mine")])


async def test_what_was_forgotten_while_the_engine_was_killed_goes_at_its_next_start(tmp_path):
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        (mine,) = await home.remember("mine")
        await home.log.append(WHO.project, "forgetting", {"experiences": [mine]}, 2.0)
    async with embedding_home(tmp_path, made) as home:
        assert not await home.cache.get([cache_key(made.identity, "mine")])


async def test_a_batch_that_was_read_before_a_forgetting_puts_nothing_in_after_it(cache):
    await cache.forget([Forgetting(position=9, scope="s", earliest=4)])
    await cache.put(vectors(1), "s", TakingIn(until=5, heeded=3))
    await cache.put(vectors(2), "other", TakingIn(until=5, heeded=3))
    await cache.put(vectors(3), "s", TakingIn(until=12, heeded=9))
    assert sorted(await cache.get(list(vectors(1, 2, 3)))) == sorted(vectors(2, 3))


async def test_a_forgotten_experience_takes_what_was_embedded_later_with_it(cache):
    for number in range(1, 6):
        await cache.put(vectors(number), "s", TakingIn(number, number - 1))
    await cache.forget([Forgetting(position=6, scope="s", earliest=3)])
    assert sorted(await cache.get(list(vectors(1, 2, 3, 4, 5)))) == sorted(vectors(1, 2))


async def test_the_file_stays_within_its_bound_and_the_oldest_go_first(tmp_path):
    bound = 400_000
    cache = await VectorCache.open(tmp_path / "small.db", bound)
    for number in range(100):
        rows = {cache_key("made", f"{number} {each}"): vector(each, 384) for each in range(10)}
        await cache.put(rows, "s", TakingIn(number, 0))
    found = [number for number in range(100) if await cache.get([cache_key("made", f"{number} 9")])]
    await cache.close()
    assert found == list(range(found[0], 100))
    assert 0 < found[0] < 95
    assert (tmp_path / "small.db").stat().st_size < 1.2 * bound


async def test_a_damaged_cache_is_begun_anew(tmp_path):
    path = tmp_path / "embeddings.db"
    path.write_bytes(b"no database at all" * 1000)
    cache = await VectorCache.open(path)
    await cache.put(vectors(1), "s", TakingIn(1, 0))
    assert await cache.get(list(vectors(1)))
    await cache.close()


async def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    made = Made("made")
    async with embedding_home(tmp_path, made) as home:
        await home.cache._connection.execute("DROP TABLE vectors")
        await home.remember(*FACTS)
        assert len((await home.ask("bread")).items) >= 1
        assert home.serving.live.quarantined == 0


async def test_many_writers_and_readers_at_once_lose_nothing(cache):
    await asyncio.gather(
        *(cache.put(vectors(*range(first, first + 10)), "s", TakingIn(1, 0)) for first in range(0, 200, 10)),
        *(cache.get(list(vectors(*range(200)))) for _ in range(20)),
    )
    assert len(await cache.get(list(vectors(*range(200))))) == 200
