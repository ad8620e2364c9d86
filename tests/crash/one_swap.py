"""One promotion over a small home, from the request to the canary's rollback, for a test to kill: FOLDER WHO EVERY.

It is lived through once, counting what happens; then once for each step and for one in EVERY of the other happenings,
each time in a copy of the home and in a process of its own. At that moment the process kills itself, as a power cut
would, and a second one opens the home again and goes on (WHO is `engine`); or it kills its workers, and goes on itself
(WHO is `workers`). Prints a JSON object: what happened, at which of it there was a killing, and what was not as it
should be afterwards.
"""

import asyncio
import contextlib
import functools
import inspect
import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alma_mcp import composition
from alma_mcp.access import Principal
from alma_mcp.approval.approver import Approver
from alma_mcp.config import Settings
from alma_mcp.contract import Query
from alma_mcp.design_store import Design, bundled_designs
from alma_mcp.engine import Engine
from alma_mcp.evidence.dossier import Dossier, Interval, Side
from alma_mcp.evidence.rehearsal import Rehearsal
from alma_mcp.home import Home
from alma_mcp.hosts.inprocess import InProcessHost
from alma_mcp.hosts.link import Link
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.rows import Approved, Enrolled, Row
from alma_mcp.logs.experience_log import ExperienceLog
from alma_mcp.projections.generation import Generation
from alma_mcp.service import Draft
from alma_mcp.serving.canary_trial import Trial
from alma_mcp.serving.serving import Serving

OLD = bundled_designs()["lexical"]
LOUDER = """
    def show(self, experience: Experience, query: Query) -> str:
        return super().show(experience, query).upper()
"""
NEW = Design(OLD.source + LOUDER, "loud")
WHO = Principal("session", "project:/a")
APPROVER = Approver(Ed25519PrivateKey.from_private_bytes(b"a known key for this test alone "))
SETTINGS = Settings(embedder="none", first_champion="lexical", canary_share=1.0, canary_questions=10_000)
THINGS = ("anchor", "bread", "comet", "door", "echo", "fern", "glove", "heron", "inkwell", "jug", "kettle", "lamp")
STEPS = (
    (ChampionLedger, "append"), (ChampionLedger, "record"), (Generation, "save"), (Rehearsal, "save"),
    (Serving, "ledger_changed"),
)  # fmt: skip
OTHERS = ((Trial, "save"), (ExperienceLog, "append"), (Link, "call"))
READS = ("retrieve", "consolidate")
AT_ONCE = 2
PATIENCE_SECONDS = 60


class Mortal:
    """Counts what happens; at the `last` happening it does what it is to do."""

    def __init__(self, last=0, strike=lambda: None):
        self.happened = []
        self._last = last
        self._strike = strike

    def happens(self, what):
        self.happened.append(what)
        if len(self.happened) == self._last:
            self._strike()

    def watch(self):
        """Whatever changes something happens twice: it is about to, and it has."""
        for owner, name in (*STEPS, *OTHERS):
            setattr(owner, name, self._watched(f"{owner.__name__}.{name}", getattr(owner, name)))

    def _watched(self, what, act):
        if inspect.iscoroutinefunction(act):

            @functools.wraps(act)
            async def watched(*arguments, **named):
                if any(each in READS for each in arguments if isinstance(each, str)):
                    return await act(*arguments, **named)
                self.happens(f"before {what}")
                result = await act(*arguments, **named)
                self.happens(f"after {what}")
                return result

        else:

            @functools.wraps(act)
            def watched(*arguments, **named):
                self.happens(f"before {what}")
                result = act(*arguments, **named)
                self.happens(f"after {what}")
                return result

        return watched


async def prepare(home):
    """A home with memories in two scopes, questions, and an enrolled approver."""
    home.prepare()
    async with composition.compose(home, SETTINGS) as parts:
        for thing in THINGS[:8]:
            await learn(parts, home, thing)
        for thing in THINGS[:3]:
            await parts.service.retrieve(WHO, Query(thing), 1000)
        await sign(parts, Enrolled(APPROVER.public_key, "person", "terminal"))


async def life(home):
    """Open the home, as the engine does, and go on with the promotion until the canary has rolled it back."""
    async with composition.compose(home, SETTINGS) as parts:
        await whole(parts, home)
        parts.rehearsals.changed()
        await parts.serving.reconcile()
        if not newest(parts):
            await parts.ledger_handlers["promotions.request"]({"source": NEW.source, "name": NEW.name, **dossier()})
        await parts.rehearsals.settled()
        if newest(parts).state == "ready":
            await learn(parts, home, "inkwell")
            await sign(parts, approval(newest(parts)))
        await until(parts, lambda: newest(parts).state != "approved")
        await learn(parts, home, "jug")
        await dislike(parts)
        await until(parts, lambda: parts.serving.live.design.id == OLD.id)
        await learn(parts, home, "kettle")
        await whole(parts, home)
        assert newest(parts).state == "rolled_back", newest(parts)
        assert "canary" in newest(parts).reason
        assert "was rolled back" in parts.canary_told()
        assert not list(parts.ledger.requests())


async def dislike(parts):
    """Complain of the new design's answers and praise the old one's, until the canary has had enough."""
    for _ in range(50):
        if newest(parts).state != "live" or not parts.canary.running:
            return
        answer = await parts.service.retrieve(WHO, Query("anchor bread"), 1000)
        side = parts.canary.trial.questions[-1].side
        await parts.service.feedback(WHO, [each.id for each in answer.items], "harmful" if side == "new" else "helpful")


async def whole(parts, home):
    """The old design or the new one answers with every memory, and nothing is damaged."""
    assert not parts.ledger.broken, parts.ledger.broken
    assert len(await parts.ledger.history()) >= 2
    assert parts.serving.live.design.id in (OLD.id, NEW.id)
    for thing in kept(home):
        answer = await parts.service.retrieve(WHO, Query(thing), 1000)
        texts = [each.text for each in answer.items]
        assert any(thing in each.lower() for each in texts), (thing, texts, answer.notes)
        assert all(map(str.isupper, texts)) or not any(map(str.isupper, texts)), texts
        assert not any("not answering" in note for note in answer.notes), answer.notes
    told = str(await Engine(home, SETTINGS, parts).status())
    for problem in ("refused", "damaged", "void", "cannot"):
        assert problem not in told, told


async def learn(parts, home, thing):
    """What was acknowledged is written down elsewhere too. The same thing is stored once."""
    place = "user" if THINGS.index(thing) % 4 == 3 else "project"
    await parts.service.update(WHO, Draft(f"the {thing} is here", place=place), key=thing)
    with (home.path / "acknowledged").open("a") as file:
        file.write(f"{thing}\n")


def kept(home):
    return sorted(set((home.path / "acknowledged").read_text().split()))


def newest(parts):
    return next(reversed(parts.ledger.promotions().values()), None)


def approval(asked):
    key = APPROVER.public_key
    return Approved(NEW.id, asked.evidence, asked.request, "person", "terminal", asked.report, key)


async def sign(parts, content):
    head = await parts.ledger_handlers["ledger.head"]({})
    row = Row(head["sequence"], time.time(), head["previous"], content)
    await parts.ledger_handlers["ledger.append"]({"body": row.body().decode(), "signature": APPROVER.sign(row.body())})


async def until(parts, holds):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await parts.serving.reconcile()
            await asyncio.sleep(0.005)


def dossier():
    nothing = Interval(mean=0, low=0, high=0)
    sides = [
        Side(design=each.id, name=each.name, idea="", score=nothing, tokens=0, latency_ms=0, failures=0)
        for each in (NEW, OLD)
    ]
    made = Dossier(
        benchmark="made", split="gate", tasks=20, challenger=sides[0], champion=sides[1], difference=nothing,
        p_value=0.001, alpha=0.03, minimum_effect=0.01, opening=1, wins=15, ties=5, losses=0, controls={},
        objections=(), verdict="passed", hypothesis="", lineage=(), imports=(), needs_complete=False, seconds=1.0,
        command="made",
    )  # fmt: skip
    return {"dossier": made.model_dump(mode="json")}


def begun(work, report):
    """Run it in a process of its own, which leaves what it gives in `report`; gives the process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        report.write_text(json.dumps(work()))
    except BaseException:  # noqa: BLE001 - whatever it is, the test is told
        report.write_text(json.dumps({"failed": traceback.format_exc()}))
    finally:
        os._exit(0)


def in_child(work, report):
    """What it gives in a process of its own, or None where that killed itself."""
    report.unlink(missing_ok=True)
    _, status = os.waitpid(begun(work, report), 0)
    return json.loads(report.read_text()) if os.WIFEXITED(status) else None


def lived(home, last=0, strike=lambda: None):
    """One life with its happenings counted; gives them."""
    mortal = Mortal(last, strike)
    mortal.watch()
    asyncio.run(life(home))
    return {"happened": mortal.happened}


def kill_oneself():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_workers():
    for worker in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def descendants(pid):
    found = []
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it ends by itself just now
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found


async def in_this_process(_store, _wanted="auto"):
    return InProcessHost()


def killed(folder, who, last):
    """What is not as it should be after a killing at the happening `last`."""
    home = Home(folder / f"killed-{last}")
    shutil.copytree(folder / "made", home.path)
    if who == "engine":
        first = in_child(lambda: lived(home, last, kill_oneself), home.path / "first.json")
        result = first or in_child(lambda: lived(home), home.path / "second.json")
    else:
        result = in_child(lambda: lived(home, last, kill_workers), home.path / "first.json")
    shutil.rmtree(home.path)
    return result.get("failed", "")


def main(folder, who, every):
    if who == "engine":
        composition.choose_host = in_this_process
    made, whole_life = Home(folder / "made"), Home(folder / "whole")
    in_child(lambda: asyncio.run(prepare(made)), folder / "report.json")
    shutil.copytree(made.path, whole_life.path)
    happened = in_child(lambda: lived(whole_life), folder / "report.json")["happened"]
    steps = {f"{when} {owner.__name__}.{name}" for owner, name in STEPS for when in ("before", "after")}
    moments = [number for number, what in enumerate(happened, start=1) if what in steps or number % every == 0]
    running, failed = {}, {}
    for last in (*moments, *[0] * AT_ONCE):
        if len(running) == AT_ONCE or (running and not last):
            pid, _ = os.wait()
            number = running.pop(pid)
            if problem := json.loads((folder / f"{number}.json").read_text()):
                failed[f"{number} {happened[number - 1]}"] = problem
        if last:
            running[begun(functools.partial(killed, folder, who, last), folder / f"{last}.json")] = last
    print(json.dumps({"happened": happened, "moments": moments, "failed": failed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
