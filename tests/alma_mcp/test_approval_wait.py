import pytest
from promoting import SECOND as DESIGN
from promoting import Desk, Direct, made_dossier, rehearse

from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.waiting import until_ready
from alma_mcp.errors import NotApprovable
from alma_mcp.home import Home
from alma_mcp.ledger.rows import Expired


class Meanwhile:
    """The engine; when it is asked how far a request is for the second time, this happens first."""

    def __init__(self, engine, happens):
        self._engine = engine
        self._happens = happens
        self.asked = 0

    async def request(self, name, params):
        self.asked += 1
        if self.asked == 2:
            await self._happens()
        return await self._engine.request(name, params)


@pytest.fixture
async def rules(tmp_path):
    async with Desk(Home(tmp_path)).rules() as rules:
        yield rules


async def filed(rules):
    """The engine, and the number of a request that waits to be rehearsed."""
    engine = Direct(ledger_handlers(rules, lambda: None))
    asked = {"source": DESIGN.source, "name": DESIGN.name, "dossier": made_dossier().model_dump(mode="json")}
    return engine, (await engine.request("promotions.request", asked))["request"]


async def test_an_approval_waits_until_the_request_was_rehearsed_and_says_how_far_it_is(rules, capsys):
    engine, number = await filed(rules)
    waiting = Meanwhile(engine, lambda: rehearse(rules, number))
    await until_ready(waiting, number)
    assert waiting.asked == 2
    assert "second is being rehearsed with this home's memories: it waits for its turn" in capsys.readouterr().out


async def test_a_request_that_ends_while_it_is_waited_for_is_told_with_the_reason(rules):
    engine, number = await filed(rules)
    waiting = Meanwhile(engine, lambda: rules.ledger.record(Expired(number, "it does not keep the contract.")))
    with pytest.raises(NotApprovable, match=r"is expired by now: it does not keep the contract\.$"):
        await until_ready(waiting, number)
