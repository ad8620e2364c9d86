"""The page Memories over a real log, curation and service, and a fake host, asked as a browser asks."""

import asyncio
import re
from dataclasses import dataclass
from html import unescape

import httpx2
import pytest
from starlette.types import ASGIApp

from alma_mcp.access import Principal
from alma_mcp.contract import Query
from alma_mcp.dashboard.app import build_app
from alma_mcp.dashboard.live import Streams
from alma_mcp.dashboard.memories import ROWS_ON_A_PAGE, memories_section
from alma_mcp.dashboard.memory_search import LIMIT, MAX_TOKENS
from alma_mcp.dashboard.visits import Visits
from alma_mcp.logs.curation import UNDO_SECONDS
from alma_mcp.server import build_server
from alma_mcp.service import Draft

PORT = 8377
ORIGIN = f"http://localhost:{PORT}"
HOSTILE = "<script>alert(1)</script> \x1b[31mred \u202edesrever"


@dataclass
class Browser:
    """A signed-in visitor: follows redirections, sends the hidden field of the page it is on."""

    app: ASGIApp
    client: httpx2.AsyncClient
    html: str = ""
    status: int = 0
    csrf: str = ""
    path: str = ""

    async def open(self, path, status=200):
        answer = await self.client.get(path, follow_redirects=True)
        self._take(answer, status)
        return self.text

    async def press(self, action, *names, status=200, **fields):
        data = {"csrf": self.csrf, "id": list(names), "back": self.path, **fields}
        answer = await self.client.post(action, data=data, headers={"origin": ORIGIN}, follow_redirects=True)
        self._take(answer, status)
        return self.text

    async def first_event(self, path):
        """The first event of a stream that would go on."""
        request = self.client.build_request("GET", path)
        told = asyncio.get_running_loop().create_future()

        async def receive():
            return await asyncio.Future()

        async def send(message):
            body = message.get("body", b"").decode()
            if body.startswith("event:") and not told.done():
                told.set_result(body)

        url = request.url
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": url.path}
        scope |= {"raw_path": url.path.encode(), "query_string": url.query, "headers": headers, "root_path": ""}
        stream = asyncio.create_task(self.app({**scope, "server": ("localhost", PORT)}, receive, send))
        try:
            return await asyncio.wait_for(told, 10)
        finally:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)

    def _take(self, answer, status):
        assert answer.status_code == status, answer.text
        self.html, self.path = answer.text, str(answer.url).removeprefix(ORIGIN)
        if found := re.search(r'name="csrf" value="([^"]+)"', self.html):
            self.csrf = found.group(1)

    @property
    def text(self):
        """What a person reads, in one line."""
        read = re.sub(r"<textarea.*?</textarea>", " ", self.html, flags=re.DOTALL)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", read)).split())

    @property
    def titles(self):
        return [unescape(each) for each in re.findall(r'<p class="title"><a href="[^"]*">([^<]*)</a>', self.html)]

    def link(self, label):
        """Where a link with this text leads."""
        return unescape(re.search(rf'href="([^"]*)"[^>]*>{re.escape(label)}<', self.html).group(1))


@pytest.fixture
async def browser(world):
    section = memories_section(world.service, world.log, world.curation, world.clock, by="Ada")
    visits = Visits(lambda: 0.0)
    app = build_app([section], visits, Streams(), PORT, world.clock)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=ORIGIN) as client:
        await client.post(f"/enter/{visits.new_link()}", data={"x": ""}, headers={"origin": ORIGIN})
        yield Browser(app, client)


async def remember(world, text, who=None, **fields):
    memory_id, _ = await world.service.update(who or world.who, Draft(text, **fields))
    return memory_id


async def recalled(world, words):
    """What an assistant is shown."""
    return [item.id for item in (await world.service.retrieve(world.who, Query(words), 1000)).items]


async def test_an_empty_memory_teaches_how_to_fill_it(browser):
    text = await browser.open("/memories")
    assert "No memories yet" in text
    assert "claude mcp add alma" in text
    assert '<input id="q"' not in browser.html


async def test_all_memories_are_listed_newest_first_with_where_they_come_from(world, browser):
    who = Principal("s-1", "project:/home/ada/tea", "codex")
    await remember(world, "steep for four minutes", who, kind="howto", reward=0.5)
    await remember(world, "prefers short answers", who, place="user", kind="preference", task="How to answer")
    text = await browser.open("/memories")
    assert browser.titles == ["How to answer", "steep for four minutes"]
    for each in ("2 in 2 scopes", "howto", "tea", "codex", "reward 0.5", "preference", "You", "prefers short answers"):
        assert each in text


async def test_a_list_can_be_narrowed_and_says_how_many_are_left(world, browser):
    other = Principal("s-2", "project:/b", "codex")
    await remember(world, "mine")
    fix = await remember(world, "theirs, a fix", other, kind="fix")
    await remember(world, "theirs, a note", other)
    await world.curation.trust([fix], 1.0, "Ada")
    for query, titles in {
        "scope=project%3A%2Fb": ["theirs, a note", "theirs, a fix"],
        "kind=fix": ["theirs, a fix"],
        "agent=codex&kind=note": ["theirs, a note"],
        "trust=trusted": ["theirs, a fix"],
        "trust=normal": ["theirs, a note", "mine"],
        "trust=distrusted": [],
        "scope=&kind=&agent=&trust=": ["theirs, a note", "theirs, a fix", "mine"],
    }.items():
        text = await browser.open(f"/memories?{query}")
        assert browser.titles == titles
        if titles and len(titles) < 3:
            assert f"{len(titles)} of 3 memories" in text
    assert "No memory is like that" in await browser.open("/memories?trust=distrusted")


async def test_a_long_list_comes_in_pages_that_keep_what_it_was_narrowed_to(world, browser):
    for number in range(2 * ROWS_ON_A_PAGE + 3):
        await remember(world, f"fact {number}", kind="fix" if number else "note")
    first = (await browser.open("/memories?kind=fix"), browser.titles)[1]
    second = (await browser.open(browser.link("Older")), browser.titles)[1]
    assert (await browser.open(browser.link("Newer")), browser.titles)[1] == first
    await browser.open(browser.link("Older"))
    third = (await browser.open(browser.link("Older")), browser.titles)[1]
    assert first + second + third == [f"fact {number}" for number in range(2 * ROWS_ON_A_PAGE + 2, 0, -1)]
    assert "Older" not in browser.html
    assert (await browser.open(browser.link("Newest")), browser.titles)[1] == first


async def test_a_question_gives_what_an_assistant_is_given_and_says_why(world, browser):
    user = await remember(world, "tea is for guests", place="user", task="Drinks")
    mine = await remember(world, "tea at four", outcome="it was hot", reward=1.0)
    await remember(world, "tea elsewhere", Principal("s-2", "project:/b"))
    reasons = ["shared <b>words</b>"]
    world.host.answer = {
        "items": [
            {"text": "both of it", "score": 2.0, "experiences": [mine], "reasons": reasons},
            {"text": "the second", "score": 1.5, "experiences": [user], "reasons": []},
        ],
        "note": "",
    }
    asked = "/memories?q=tea&eyes=project%3A%2Fa&context=a+kettle"
    text = await browser.open(asked)
    answer = await world.service.retrieve(world.who, Query("tea", "a kettle", LIMIT), MAX_TOKENS)
    places = [browser.html.index(f'<div class="words">{item.text}') for item in answer.items]
    assert len(places) == 4
    assert places == sorted(places)
    for each in ("score 2", "shared <b>words</b>", mine, "it was hot", "reward 1", "session session-1"):
        assert each in text
    assert f'href="/memories/{mine}"' in browser.html
    assert world.host.asked[0]["context"] == "a kettle"
    assert 'value="tea"' in browser.html


async def test_a_question_is_asked_with_the_bounds_that_the_tool_has(world):
    async def nothing():
        return ""

    tools = await build_server(world.service, nothing, nothing).list_tools()
    (schema,) = [tool.input_schema["properties"] for tool in tools if tool.name == "retrieve"]
    assert (schema["limit"]["default"], schema["max_tokens"]["default"]) == (LIMIT, MAX_TOKENS)


async def test_eyes_see_their_own_project_and_the_user_alone(world, browser):
    await remember(world, "tea of mine")
    await remember(world, "tea of theirs", Principal("s-2", "project:/b"))
    await remember(world, "tea of the user", place="user")
    for eyes, seen in {"project:/a": "mine", "project:/b": "theirs"}.items():
        text = await browser.open(f"/memories?q=tea&eyes={eyes}")
        assert "2 memories came back" in text
        assert f"tea of {seen}" in text
        assert "tea of the user" in text
    text = await browser.open("/memories?q=tea&eyes=user")
    assert "1 memory came back" in text
    assert "Nothing is stored for 'project:/c'" in await browser.open("/memories?q=tea&eyes=project:/c", 400)


async def test_what_a_person_asks_is_not_counted_among_the_questions_of_assistants(world, browser):
    await remember(world, "tea at four")
    await browser.open("/memories?q=tea")
    assert "1 memory came back" in browser.text
    await world.questions.settled()
    assert not world.questions._path.exists()
    await recalled(world, "tea")
    await world.questions.settled()
    assert world.questions._path.exists()


async def test_a_question_that_brings_nothing_back_says_what_the_assistant_is_told(world, browser):
    await remember(world, "tea at four")
    assert "No memory matches" in await browser.open("/memories?q=coffee")


async def test_all_of_one_memory_is_shown_with_what_was_said_about_it(world, browser):
    name = await remember(world, "tea " * 1000 + "END", task="Make tea", outcome="hot", reward=0.25)
    await world.service.feedback(world.who, [name], "helpful")
    text = await browser.open(f"/memories/{name}")
    for each in ("Make tea", "END", "hot", "0.25", "session-1", "An assistant found it helpful", "project:/a"):
        assert each in text
    assert "characters more" in text


async def test_distrusting_withholds_and_trusting_brings_back(world, browser):
    name = await remember(world, "tea at four")
    await browser.open(f"/memories/{name}")
    text = await browser.press("/memories/trust", name, trust="distrusted")
    assert f"{name} is distrusted now" in text
    assert "Distrusted" in text
    assert "by Ada" in text
    assert await recalled(world, "tea") == []
    assert await world.service.memory(world.who, name) is None
    assert "Nothing comes back" in await browser.open("/memories?q=tea")
    assert "1 distrusted memory is withheld" in browser.text
    await browser.press("/memories/trust", name, trust="normal")
    assert await recalled(world, "tea") == [name]
    await browser.press("/memories/trust", name, trust="trusted")
    assert "trusted" in await browser.open("/memories?trust=trusted")
    assert browser.titles == ["tea at four"]


async def test_the_next_best_takes_the_place_of_what_is_withheld(world):
    names = [await remember(world, f"tea {number}") for number in range(6)]
    await world.curation.trust(names[:3], 0.0, "Ada")
    answer = await world.service.retrieve(world.who, Query("tea", limit=3), 1000)
    assert [item.id for item in answer.items] == names[3:]
    assert world.host.asked[-1]["limit"] == 6


async def test_forgetting_waits_ten_minutes_and_can_be_undone(world, browser):
    name = await remember(world, "tea at four")
    await browser.open("/memories")
    text = await browser.press("/memories/forget", name)
    assert "You can undo it until then" in text
    assert "About to be forgotten" in text
    assert "erased in 10 min" in text
    assert '<span class="badge">1</span>' in browser.html
    assert await recalled(world, "tea") == []
    world.clock.now += UNDO_SECONDS - 1
    await world.service.erase_due()
    text = await browser.press("/memories/undo", name)
    assert f"{name} is kept" in text
    assert "About to be forgotten" not in text
    assert await recalled(world, "tea") == [name]
    world.clock.now += UNDO_SECONDS
    await world.service.erase_due()
    assert await recalled(world, "tea") == [name]
    assert "Forgetting undone" in await browser.open(f"/memories/{name}")


async def test_what_is_due_is_erased_for_good_like_what_an_assistant_forgets(world, browser, tmp_path):
    name = await remember(world, "the-telltale-words")
    other = await remember(world, "tea of theirs", Principal("s-2", "project:/b"))
    assert await recalled(world, "the-telltale-words") == [name]
    await world.recordings.put(b"k", "design", "project:/a", "it said the-telltale-words")
    await browser.open("/memories")
    await browser.press("/memories/forget", name, other)
    world.clock.now += UNDO_SECONDS
    assert "ten minutes are over" in await browser.press("/memories/undo", name, status=400)
    assert await world.service.erase_due() == 2
    assert await world.service.erase_due() == 0
    await world.serving.follow("project:/a")
    assert "It may have been forgotten" in await browser.open(f"/memories/{name}", 404)
    assert world.curation.waiting() == {}
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert not any(b"the-telltale-words" in path.read_bytes() for path in files)
    assert all(name not in state.get("memories", {}) for state in world.host.states.values())


async def test_several_are_decided_at_once(world, browser):
    names = [await remember(world, f"tea {number}") for number in range(3)]
    await browser.open("/memories")
    assert "2 memories are trusted now" in await browser.press("/memories/trust", *names[:2], trust="trusted")
    assert "3 memories are withheld now" in await browser.press("/memories/forget", *names)
    assert "3 memories are kept" in await browser.press("/memories/undo", *names)
    await browser.open("/memories?trust=trusted")
    assert browser.titles == ["tea 1", "tea 0"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/memories?before=soon", "a position of the log"),
        ("/memories?after=-1", "a position of the log"),
        ("/memories?before=9999999999999999999999", "a position of the log"),
        ("/memories?trust=blind", "There is no trust called 'blind'"),
    ],
)
async def test_an_address_that_makes_no_sense_is_answered_with_a_sentence(world, browser, path, sentence):
    await remember(world, "tea")
    assert sentence in await browser.open(path, 400)


@pytest.mark.parametrize(
    ("action", "names", "fields", "sentence"),
    [
        ("trust", [], {"trust": "trusted"}, "No memory is chosen"),
        ("forget", [], {}, "No memory is chosen"),
        ("undo", ["m0"], {}, "No memory has the id 'm0'"),
        ("trust", ["m0"], {"trust": "trusted"}, "No memory has the id 'm0'"),
        ("trust", ["m0"], {"trust": "blindly"}, "Trust is one of trusted, normal, distrusted"),
        ("trust", ["m0"], {}, "press Trust, Normal, Distrust or Forget"),
    ],
)
async def test_a_form_that_makes_no_sense_is_answered_with_a_sentence(world, browser, action, names, fields, sentence):
    await remember(world, "tea")
    await browser.open("/memories")
    assert sentence in await browser.press(f"/memories/{action}", *names, status=400, **fields)


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/memoriesque", "/champion", ""])
async def test_a_form_leads_back_to_the_memories_alone(world, browser, back):
    name = await remember(world, "tea")
    await browser.open("/memories")
    await browser.press("/memories/trust", name, trust="trusted", back=back)
    assert browser.path == "/memories"


async def test_hostile_texts_are_shown_and_not_obeyed(world, browser):
    who = Principal(HOSTILE, f"project:/a/{HOSTILE}", HOSTILE)
    name = await remember(world, HOSTILE, who, task=HOSTILE, outcome=HOSTILE, kind=HOSTILE)
    await world.log.append(who.project, "trust", {"experiences": [name], "trust": 1.0, "by": HOSTILE}, 1.0)
    eyes = httpx2.QueryParams({"eyes": who.project, "q": HOSTILE, "context": HOSTILE})
    scope = httpx2.QueryParams({"scope": who.project, "kind": HOSTILE, "agent": HOSTILE})
    for path in ("/memories", f"/memories/{name}", f"/memories?{eyes}", f"/memories?{scope}"):
        text = await browser.open(path)
        assert "<script>alert" not in browser.html
        assert not {"\x1b", "\u202e"} & set(text)
        assert r"\x1b[31mred \u202edesrever" in text


async def test_a_page_that_is_open_follows_what_is_erased(world, browser):
    name = await remember(world, "the-telltale-words")
    live = f"/live?path=/memories/{name}"
    assert "the-telltale-words" in await browser.first_event(live)
    await world.service.forget(world.who, [name])
    assert "It may have been forgotten" in await browser.first_event(live)
