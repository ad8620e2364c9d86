import asyncio

import numpy as np

from alma_mcp.embedders.warm import SHORT, Model, WarmEmbedder
from alma_mcp.pace import QUIET_SECONDS, STEP, Pace


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_work_beside_goes_at_full_speed_until_somebody_asks_and_again_when_it_is_quiet():
    clock = Clock()
    pace = Pace(clock)
    assert (pace.hurried, pace.step(64)) == (False, 64)
    with pace.answering():
        assert (pace.hurried, pace.step(64), pace.step(4)) == (True, STEP, 4)
    assert pace.hurried
    clock.now += QUIET_SECONDS
    assert (pace.hurried, pace.step(64)) == (False, 64)


async def test_it_rests_only_where_somebody_asks_and_never_for_long():
    pace = Pace(Clock())
    resting = asyncio.create_task(pace.rest(1000.0))
    await asyncio.sleep(0)
    assert resting.done()
    with pace.answering():
        resting = asyncio.create_task(pace.rest(1000.0))
        await asyncio.sleep(0)
        assert not resting.done()
        await asyncio.wait_for(resting, 30)


async def test_it_waits_while_a_query_is_answered():
    pace = Pace(Clock())
    with pace.answering():
        waiting = asyncio.create_task(pace.pass_by())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 30)


async def test_nothing_rests_while_a_query_waits_for_the_work_beside():
    pace = Pace(Clock())
    with pace.answering():
        with pace.awaiting():
            assert (pace.hurried, pace.step(64), pace.awaited) == (False, 64, True)
            waiting = asyncio.create_task(pace.pass_by())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert waiting.done()
        assert (pace.hurried, pace.awaited) == (True, False)
        waiting = asyncio.create_task(pace.pass_by())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 30)


class Counted(WarmEmbedder):
    """Keeps how many texts it is given at once, and by whom."""

    def __init__(self) -> None:
        super().__init__("counted", self._made)
        self.given: list[int] = []
        self.aside: list[int] = []

    async def _made(self) -> Model:
        return Model("1", 2, self._encode, batch=4, at_once=2, aside=self._encode_aside, least=1)

    async def _encode(self, texts):
        self.given.append(len(texts))
        return np.ones((len(texts), 2), np.float32)

    async def _encode_aside(self, texts):
        self.aside.append(len(texts))
        return np.ones((len(texts), 2), np.float32)


async def test_a_long_list_is_embedded_in_the_smallest_steps_while_queries_come():
    embedder, pace = Counted(), Pace(Clock())
    embedder.give_way(pace)
    await embedder.embed([f"quiet {number}" for number in range(SHORT + 1)])
    assert embedder.aside == [4, 4, 1]
    with pace.answering():
        pass
    await embedder.embed([f"busy {number}" for number in range(SHORT + 1)])
    assert embedder.aside[3:] == [1] * (SHORT + 1)
    await embedder.embed(["a query"])
    assert embedder.given == [1]


async def test_a_long_list_gives_way_to_nobody_where_no_queries_are_served():
    embedder = Counted()
    await embedder.embed([f"quiet {number}" for number in range(SHORT + 1)])
    assert (embedder.given, embedder.aside) == ([4, 4, 1], [])
