"""A home with requests that wait for a person, and the section Promotions over it, as a browser sees it."""

import contextlib
import re
from dataclasses import dataclass
from html import unescape

import httpx2
from made_dashboard import OURS, PORT, Clock
from three_dossiers import CHAMPION

from alma_mcp.approval.approver import Approver
from alma_mcp.approval.ledger_control import ledger_handlers
from alma_mcp.approval.rules import ApprovalRules
from alma_mcp.config import ApprovalSettings
from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.promotions import promotions_section
from alma_mcp.dashboard.visits import Visits
from alma_mcp.design_store import DesignStore
from alma_mcp.evidence.rehearsal import Rehearsal
from alma_mcp.home import Home
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Building, Enrolled, Ready

ORIGIN = f"http://localhost:{PORT}"
PASSPHRASE = "correct horse"


@dataclass
class Browser:
    """A signed-in visit, which sends the hidden fields of the page it is on."""

    client: httpx2.AsyncClient
    html: str = ""

    async def open(self, path, status=200):
        """What the page at a path says."""
        answer = await self.client.get(path, follow_redirects=True)
        assert answer.status_code == status, answer.text
        self.html = answer.text
        return words(self.html)

    def hidden(self, name):
        return unescape(re.search(rf'name="{name}" value="([^"]*)"', self.html).group(1))

    async def send(self, action, **fields):
        """Send a form; what the page says that follows."""
        answer = await self._post(action, fields)
        assert answer.status_code == 200, answer.text
        self.html = answer.text
        return words(self.html)

    async def ask(self, action, **fields):
        """What a script of the page is answered."""
        return (await self._post(action, fields)).json()

    async def _post(self, action, fields):
        data = {"csrf": self.hidden("csrf"), **fields}
        return await self.client.post(action, data=data, headers={"origin": ORIGIN}, follow_redirects=True)


def words(html):
    """What stands on a page, each run of white space one blank."""
    html = re.sub(r"<(script|title|head).*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"</?(code|span|strong|a|small)\b[^>]*>", "", html)).replace("<", " <").split())


def plain(html):
    """The same without its marks, but with what drawings say of themselves."""
    return " ".join(re.sub(r"<[^>]*>", " ", words(html)).split())


@dataclass
class Place:
    """The home, its ledger and the dashboard over it. `changes` counts how often the champion may have changed."""

    home: Home
    rules: ApprovalRules
    clock: Clock
    texts: dict
    changes: int = 0

    def __post_init__(self):
        self.handlers = ledger_handlers(self.rules, self._changed, self._texts)
        self.visits = Visits(self.clock)
        section = promotions_section(self.handlers, self.rules, self.home, self.clock)
        self.app = build_app([section], self.visits, Streams(), PORT, self.clock)

    @property
    def ledger(self):
        return self.rules.ledger

    async def file(self, made, *, ready=True):
        """File a request as the search does, and have it rehearsed; gives its number."""
        filed = {key: made[key] for key in ("source", "name", "dossier")}
        number = (await self.handlers["promotions.request"](filed))["request"]
        if ready:
            rehearsal = Rehearsal.model_validate(made["rehearsal"])
            rehearsal.save(self.rules.dossiers)
            self.texts.update(made["texts"])
            await self.ledger.record(Building(number))
            await self.ledger.record(Ready(number, rehearsal.report))
        return number

    async def enrol(self):
        """A person whose key a passphrase unlocks."""
        approver = Approver.create(self.home.approver, PASSPHRASE)
        row = self.ledger.draft(Enrolled(approver.public_key, "ann", "terminal"))
        await self.handlers["ledger.append"]({"body": row.body().decode(), "signature": approver.sign(row.body())})

    @contextlib.asynccontextmanager
    async def browser(self):
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            await client.post(f"/enter/{self.visits.new_link()}", headers=OURS)
            yield Browser(client)

    def _changed(self):
        self.changes += 1

    async def _texts(self, rehearsal):
        return self.texts


@contextlib.asynccontextmanager
async def made_place(folder, **settings):
    """A home whose first champion is the one that the prepared requests were measured against."""
    home = Home(folder)
    store = DesignStore(home.designs)
    ledger = await ChampionLedger.open(home.ledger, CHAMPION, store.holds_bundled)
    try:
        rules = ApprovalRules(ledger, store, home.dossiers, ApprovalSettings.model_validate(settings))
        yield Place(home, rules, Clock(1_790_000_100.0), {})
    finally:
        await ledger.close()
