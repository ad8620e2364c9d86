"""Every page as a person meets it: wide and narrow, light and dark, by eye and by ear."""

import pytest
from window import NARROW, WIDE

PAGES = {
    "memories": "/memories",
    "champion": "/champion",
    "evolution": "/evolution",
    "promotions": "/promotions",
    "runs": "/runs",
    "scopes": "/scopes",
    "audit": "/audit",
    "keys": "/promotions/keys",
}
QUESTION = "/memories?q=how+are+the+checks+run+before+a+commit"


async def pages_of(visitor, asked):
    """The address of each page by its name, those behind a list by way of the list."""
    await visitor.goes("/promotions")
    for number in asked.values():
        await visitor.page.locator(f"#request-{number}").get_by_text("ready", exact=True).wait_for()
    dossiers = {"dossier": "clear", "smuggled": "smuggled", "worse": "worse"}
    found = {**PAGES, "found": QUESTION, **{name: f"/promotions/{asked[each]}" for name, each in dossiers.items()}}
    found["against"] = f"/promotions/{asked['worse']}/against"
    for name, path, link in (("memory", "/memories", "/memories/m"), ("design", "/evolution", "/evolution/designs/")):
        await visitor.goes(path)
        found[name] = await visitor.page.locator(f'#main a[href^="{link}"]').last.get_attribute("href")
    return found


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
async def test_every_page_is_accessible_fits_its_window_and_has_its_picture_taken(visit, lived_in, size, pictures):
    async with visit(size) as visitor:
        for name, path in (await pages_of(visitor, lived_in)).items():
            for scheme in ("light", "dark"):
                await visitor.page.emulate_media(color_scheme=scheme)
                await visitor.goes(path)
                assert await visitor.faults() == [], f"{name}, {scheme}"
                assert await visitor.too_wide() <= 0, f"{name}, {scheme}"
                if scheme == "light" or name == "dossier":
                    await pictures.take(visitor.page, f"{name}-{size[0]}{'-dark' if scheme == 'dark' else ''}")
