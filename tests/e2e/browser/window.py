"""A window of a browser before a dashboard, and what a person can tell of a page in it."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

WIDE, NARROW = (1280, 860), (390, 844)
PATIENCE_MS = 60_000


@dataclass
class Visitor:
    """One browser window that has signed in. What went wrong on its pages is in `trouble`."""

    page: Page
    link: str
    trouble: list[str] = field(default_factory=list)

    @property
    def origin(self):
        parts = urlsplit(self.link)
        return f"{parts.scheme}://{parts.netloc}"

    async def goes(self, path):
        """Open a page by its path; gives what it says."""
        await self.page.goto(self.origin + path)
        return await self.reads()

    async def reads(self):
        return await self.page.locator("body").inner_text()

    async def sees(self, text):
        """Wait until the page says it, by itself."""
        await self.page.get_by_text(re.compile(text)).filter(visible=True).first.wait_for(timeout=PATIENCE_MS)

    def listen(self):
        """Note from now on what goes wrong, and what is loaded from elsewhere."""
        self.page.on("console", lambda said: said.type == "error" and self.trouble.append(said.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda asked: self._check_near(asked.url))

    def _check_near(self, url):
        if not url.startswith((self.origin + "/", "data:", "blob:")):
            self.trouble.append(f"loaded from elsewhere: {url}")

    async def faults(self):
        """Serious faults of accessibility on this page, a sentence each."""
        found = await Axe().run(self.page)
        return [
            f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]}"
            for each in found.response["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    async def too_wide(self):
        """By how many pixels the page is wider than its window."""
        return await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
