"""A sequential decision domain, ready to play: its games, warm environments, and an agent."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from alma_mcp.errors import EvolveError
from alma_mcp.home import Home
from evolve.agents.choose import open_agent, open_completer
from evolve.benchmarks.courses import course
from evolve.benchmarks.episodic import Episodic, Protocol
from evolve.benchmarks.game_files import games_of
from evolve.config import PlaySettings
from evolve.environments import FAMILIES, Domain
from evolve.environments.container import Containers
from evolve.environments.images import image_name, is_built
from evolve.environments.pool import Pool
from evolve.episodes import Episodes


@contextlib.asynccontextmanager
async def open_domain(
    domain: Domain, data: Path | None, home: Home, tasks: int | None, settings: PlaySettings
) -> AsyncIterator[Episodic]:
    """Start the environments and the agent; both end with the context.

    Raises `NoSandbox` without Docker, `EvolveError` without the image, `DataMissing` without games.
    """
    games = games_of(domain, data, home.data)
    played = course(
        domain,
        games,
        settings.status,
        train_size=settings.train_size,
        update_task=settings.update_task,
        update_size=settings.update_size,
    )
    family = FAMILIES[domain]
    image = image_name(family)
    if not is_built(family):
        raise EvolveError(f"The image of {domain} is not built; `alma-evolve images build {domain}` makes it.")
    async with contextlib.AsyncExitStack() as stack:
        opening = open_agent(settings.agent, base_url=settings.agent_url, at_once=settings.retrieve_at_once)
        agent = await stack.enter_async_context(opening)
        model = open_completer(settings.memory_model, agent, settings.agent_url)
        completer = await stack.enter_async_context(model)
        containers = await Containers.open(family, image, games)
        stack.push_async_callback(containers.close)
        protocol = Protocol(
            domain=domain,
            status=settings.status,
            rollout=settings.rollout,
            passes=settings.passes,
            memory_tokens=settings.memory_tokens,
            each_step=settings.each_step,
            collect_at_once=min(settings.update_at_once, agent.at_once),
            deploy_at_once=min(settings.retrieve_at_once, agent.at_once),
            tasks=tasks,
        )
        pool = Pool(containers.start, max(protocol.collect_at_once, protocol.deploy_at_once))
        stack.push_async_callback(pool.close)
        rules = (await pool.warm())[domain]
        yield Episodic(protocol, played, agent, pool, Episodes(home.episodes), image, rules, completer)
