"""One suite over every host."""

import pytest
from running import runner_on


@pytest.fixture(params=["in-process", "bubblewrap", "docker"])
async def runner(request, tmp_path):
    async with runner_on(request.param, tmp_path) as runner:
        yield runner
