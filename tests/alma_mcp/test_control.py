import asyncio
import threading

import pytest

from alma_mcp.control import in_daemon_thread
from alma_mcp.errors import EngineError


def test_who_is_interrupted_does_not_wait_for_a_thread_that_is_blocked():
    released = threading.Event()
    rescue = threading.Timer(30, released.set)
    rescue.start()

    async def interrupted() -> None:
        waiting = asyncio.create_task(in_daemon_thread(released.wait))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(interrupted())
    assert not released.is_set()
    rescue.cancel()
    released.set()


async def test_what_a_thread_gives_or_raises_is_given_and_raised():
    def refuse() -> None:
        raise EngineError("no")

    assert await in_daemon_thread(lambda: 7) == 7
    with pytest.raises(EngineError, match="no"):
        await in_daemon_thread(refuse)
