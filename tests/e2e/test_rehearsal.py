"""A challenger is rehearsed by the real engine, with real workers, as soon as its promotion is asked for."""

import asyncio
import re

from alma_mcp.control import control
from alma_mcp.design_store import bundled_designs
from alma_mcp.evidence.rehearsal import load_rehearsal
from bench.home import made_dossier

CHAMPION, CHALLENGER = (bundled_designs()[name] for name in ("lexical", "hybrid"))
PATIENCE_SECONDS = 60


async def request(machine) -> int:
    async with control(machine.home) as engine:
        dossier = made_dossier(CHALLENGER, CHAMPION).model_dump(mode="json")
        asked = {"source": CHALLENGER.source, "name": CHALLENGER.name, "dossier": dossier}
        return (await engine.request("promotions.request", asked))["request"]


async def decided(machine, number: int) -> dict:
    """The request once its rehearsal is over."""
    async with asyncio.timeout(PATIENCE_SECONDS), control(machine.home) as engine:
        while True:
            asked = await engine.request("promotions.state", {"request": number})
            if asked["state"] not in ("requested", "building"):
                return asked
            await asyncio.sleep(0.05)


async def test_a_request_becomes_ready_and_its_report_shows_what_was_really_asked(machine, say):
    async with machine.client() as client:
        said = say(await client.call_tool("update", {"text": "The heron nests by the weir."}))
        memory = re.search(r"m[0-9a-f]{16}", said).group()
        await client.call_tool("retrieve", {"query": "where does the heron nest?"})
        asked = await decided(machine, await request(machine))
        assert asked["state"] == "ready", asked["reason"]
        report = load_rehearsal(machine.home.dossiers, asked["report"])
        (question,) = report.questions
        assert (question.champion, question.challenger) == ((memory,), (memory,))
        assert (report.champion.name, report.challenger.name) == ("lexical", "hybrid")
        assert (report.events, report.set_aside, report.objections) == (1, 0, ())
        assert min(report.challenger.disk_mb, report.challenger.memory_mb, report.challenger.p50_ms) > 0
        assert "Champion: lexical" in say(await client.call_tool("status", {}))


async def test_a_rehearsal_in_which_the_engine_is_killed_again_and_again_is_gone_on_with(machine, say):
    async with machine.client() as client:
        for number in range(30):
            await client.call_tool("update", {"text": f"Heron number {number} nests by the weir."})
        await client.call_tool("retrieve", {"query": "herons"})
        number = await request(machine)
        for _ in range(3):
            machine.kill_engine()
            assert "Heron" in say(await client.call_tool("retrieve", {"query": "herons"}))
        asked = await decided(machine, number)
        assert asked["state"] == "ready", asked["reason"]
        report = load_rehearsal(machine.home.dossiers, asked["report"])
        assert (report.events, report.set_aside) == (30, 0)
