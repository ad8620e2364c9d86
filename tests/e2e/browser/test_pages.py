"""Every page as a person meets it: wide and narrow, light and dark, by eye, by keyboard and by ear."""

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
}


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
async def test_every_page_is_accessible_fits_its_window_and_has_its_picture_taken(visit, lived_in, size, pictures):
    more = {"dossier": f"/promotions/{lived_in['clear']}", "smuggled": f"/promotions/{lived_in['smuggled']}"}
    async with visit(size) as visitor:
        for name, path in {**PAGES, **more}.items():
            for scheme in ("light", "dark"):
                await visitor.page.emulate_media(color_scheme=scheme)
                await visitor.goes(path)
                assert await visitor.faults() == [], f"{name}, {scheme}"
                assert await visitor.too_wide() <= 0, f"{name}, {scheme}"
                await pictures.take(visitor.page, f"{name}-{size[0]}{'-dark' if scheme == 'dark' else ''}")
