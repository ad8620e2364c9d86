"""The builds of all designs in a home, and which of them serves."""

import shutil
from collections.abc import Callable
from pathlib import Path

from alma_mcp.design_store import Design
from alma_mcp.embedders import Embedder
from alma_mcp.projections.generation import Generation


class Generations:
    """Generations in `folder`, a numbered folder each under its design's.

    `embedder` is the chosen one, of `setting`; `older` makes one that was chosen before.
    """

    def __init__(self, folder: Path, setting: str, embedder: Embedder, older: Callable[[str], Embedder]) -> None:
        self._folder = folder
        self._setting = setting
        self._embedder = embedder
        self._older = older

    def of(self, design: Design) -> Generation:
        """The one that served last while the chosen embedder is not ready; then one that fits it, or a new one.

        What can no more serve is removed, except what has served: it may be serving still. Raises `HomeUnusable`.
        """
        found = self._found(design)
        identity = self._embedder.identity
        served = [each for each in found if each.served]
        fitting = [each for each in found if each.fits(self._setting, identity)]
        candidates = served + fitting if not identity else [each for each in served if each in fitting] + fitting
        chosen = candidates[0] if candidates else self._new(design, found)
        for each in found:
            if each is not chosen and (not each.served or not identity):
                each.remove()
        if not chosen.identity:
            chosen.setting = self._setting
        chosen.save()
        return chosen

    def embedder_of(self, generation: Generation) -> Embedder:
        """The embedder whose vectors it holds, where that is to be had; the chosen one where it holds none."""
        if generation.setting == self._setting:
            return self._embedder
        if generation.older is None:
            generation.older = self._older(generation.setting)
        return generation.older

    def outdated(self, generation: Generation) -> bool:
        """Whether the chosen embedder is ready and another one than it was built with."""
        return bool(self._embedder.identity) and not generation.fits(self._setting, self._embedder.identity)

    def _found(self, design: Design) -> list[Generation]:
        """The newest first; what is no generation is removed."""
        parent = self._folder / design.short
        found: dict[int, Generation] = {}
        for folder in parent.iterdir() if parent.is_dir() else ():
            generation = Generation.read(folder) if folder.name.isdecimal() else None
            if generation:
                found[int(folder.name)] = generation
            else:
                shutil.rmtree(folder, ignore_errors=True)
        return [found[number] for number in sorted(found, reverse=True)]

    def _new(self, design: Design, found: list[Generation]) -> Generation:
        number = 1 + max((int(each.folder.name) for each in found), default=0)
        return Generation(self._folder / design.short / str(number), self._setting)
