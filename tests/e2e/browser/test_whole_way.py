"""From an empty home to a design that a person approved with a passkey, saw at work, and rolled back."""

from three_dossiers import clear_win
from window import NARROW, WIDE

from alma_mcp.control import control

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
EMPTY = {
    "/memories": "claude mcp add alma",
    "/evolution": "alma-evolve run",
    "/promotions": "alma-evolve promote",
    "/runs": "alma-evolve run",
}


async def give_authenticator(page, **changes):
    """A device of the browser that verifies its user, as a fingerprint reader would."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    return await session.send("WebAuthn.addVirtualAuthenticator", {"options": {**AUTHENTICATOR, **changes}})


async def request(machine):
    asked = clear_win()
    async with control(machine.home) as engine:
        filed = {key: asked[key] for key in ("source", "name", "dossier")}
        return await engine.request("promotions.request", filed)


async def enrol(visitor):
    await visitor.goes("/promotions/keys")
    await visitor.page.get_by_role("button", name="Make the first passkey").click()
    await visitor.page.get_by_role("row").nth(1).wait_for()


async def approve(visitor, filed):
    await visitor.goes(f"/promotions/{filed['request']}")
    await visitor.page.get_by_label("Type the id of this design").fill(filed["short"])
    await visitor.page.get_by_role("button", name="Approve with a passkey").click()


async def ready(visitor, filed):
    """Wait on the list of promotions until the rehearsal is through, without loading the page again."""
    await visitor.goes("/promotions")
    await visitor.page.locator(f"#request-{filed['request']}").get_by_text("ready", exact=True).wait_for()


async def answers(visitor, design):
    """Wait until the page Champion says by itself that this design answers."""
    await visitor.page.locator(".figure", has_text="Answering").locator("dd", has_text=design).wait_for()


async def test_the_whole_way_from_an_empty_home_to_an_approved_and_rolled_back_promotion(machine, visit):
    with machine.home.settings.open("a") as settings:
        settings.write("canary_share = 0\n")
    async with visit() as visitor, machine.client() as client:
        for path, command in EMPTY.items():
            assert command in await visitor.goes(path), path
        await visitor.goes("/memories")
        await client.call_tool("update", {"text": "The heron nests by the weir."})
        await visitor.sees("The heron nests by the weir")
        filed = await request(machine)
        await ready(visitor, filed)
        assert "Nothing speaks against it" in await visitor.goes(f"/promotions/{filed['request']}")
        await give_authenticator(visitor.page)
        await enrol(visitor)
        await approve(visitor, filed)
        await visitor.sees("Approved")
        await visitor.goes("/champion")
        await answers(visitor, "hybrid")
        assert "weir" in str((await client.call_tool("retrieve", {"query": "heron"})).content)
        await visitor.goes("/promotions")
        await visitor.page.get_by_role("button", name="Roll back").click()
        await visitor.sees("Rolled back")
        await visitor.goes("/champion")
        await answers(visitor, "lexical")
        audit = await visitor.goes("/audit")
    for word in ("enrolled", "requested", "approved", "rolled back"):
        assert word in audit.lower()


async def test_a_passkey_that_does_not_verify_its_user_decides_nothing(machine, visit):
    async with visit() as visitor:
        filed = await request(machine)
        await ready(visitor, filed)
        given = await give_authenticator(visitor.page)
        await enrol(visitor)
        session = await visitor.page.context.new_cdp_session(visitor.page)
        unverified = {"authenticatorId": given["authenticatorId"], "isUserVerified": False}
        await session.send("WebAuthn.setUserVerified", unverified)
        await approve(visitor, filed)
        await visitor.page.get_by_role("alert").get_by_text("Nothing was decided").wait_for()
    async with control(machine.home) as engine:
        assert (await engine.request("promotions.state", {"request": filed["request"]}))["state"] == "ready"


async def test_everything_but_a_passkey_works_by_keyboard_and_without_a_script(machine, visit, lived_in):
    async with visit(WIDE, script=False) as visitor:
        await visitor.goes(f"/promotions/{lived_in['clear']}")
        assert await visitor.page.get_by_role("button", name="with a passkey").count() == 0
        await visitor.goes("/memories")
        await visitor.page.keyboard.press("Tab")
        focused = await visitor.page.evaluate("document.activeElement.innerText")
        assert "Skip" in focused
        for name in ("Champion", "Evolution", "Promotions", "Runs", "Scopes", "Audit"):
            await visitor.page.get_by_role("navigation").get_by_role("link", name=name).first.focus()
            await visitor.page.keyboard.press("Enter")
            await visitor.page.wait_for_url(f"**/{name.lower()}")


async def test_a_link_opens_one_session_and_no_second_one(machine, visit, browser):
    async with visit(NARROW) as visitor:
        stranger = await browser.new_context()
        page = await stranger.new_page()
        await page.goto(visitor.link)
        assert "alma-mcp dashboard" in await page.locator("body").inner_text()
        await page.goto(f"{visitor.origin}/memories")
        assert "alma-mcp dashboard" in await page.locator("body").inner_text()
        await stranger.close()
