"""Every trajectory, kept: one JSON object a line, found again by its id."""

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from alma_mcp.errors import EvolveError, HomeUnusable
from evolve.episode import Episode

SHORTEST_ID = 4


class Episodes:
    """The episodes of a home, a file for each benchmark; and those without memory, which all designs share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, episode: Episode) -> str:
        """Append an episode to the file of a benchmark; gives its id. Raises `HomeUnusable`."""
        body = json.dumps(episode.to_json())
        number = hashlib.sha256(body.encode()).hexdigest()[:12]
        path = self.path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("a", encoding="utf-8") as file:
                file.write(f'{{"id": "{number}", "episode": {body}}}\n')
        except OSError as error:
            raise HomeUnusable(f"Cannot write {path}: {error.strerror}.") from error
        return number

    def path(self, name: str) -> Path:
        """The file of a benchmark."""
        kept = "".join(each if each.isalnum() or each in "-_." else "-" for each in name)
        return self._folder / f"{kept}.jsonl"

    def read(self, name: str) -> Iterator[Episode]:
        """What was kept of a benchmark, oldest first; a line that was cut off by a crash is passed over."""
        for _, body in _lines(self.path(name)):
            yield Episode.from_json(body)

    def collect(self, name: str, numbers: Collection[str]) -> dict[str, Episode]:
        """Those of a benchmark that have these ids, as far as they are there."""
        wanted = {number for number in numbers if number}
        found = {each: body for each, body in _lines(self.path(name)) if each in wanted} if wanted else {}
        return {number: Episode.from_json(body) for number, body in found.items()}

    def find(self, number: str) -> Episode:
        """The episode whose id begins so. Raises `EvolveError`."""
        files = sorted(self._folder.glob("*.jsonl")) if len(number) >= SHORTEST_ID else []
        found = {each: body for path in files for each, body in _lines(path) if each.startswith(number)}
        if len(found) != 1:
            raise EvolveError(f"There is no single episode {number!r} in {self._folder}.")
        return Episode.from_json(next(iter(found.values())))


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                record = json.loads(line)
                yield record["id"], record["episode"]
            except (ValueError, KeyError, TypeError):
                continue
