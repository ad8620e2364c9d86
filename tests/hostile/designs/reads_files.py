# ruff: noqa: PTH123, PTH119, ASYNC230 - an attack is written as attackers write
"""Reads the file named in the query, and looks for its name in all folders it can list."""

import os

from alma_mcp.contract import Memory, MemoryItem, Query, Retrieval

TOO_MUCH = ("usr", "proc", "sys", "packages", "opt")


class ReadsFiles(Memory):
    async def retrieve(self, query: Query) -> Retrieval:
        found = []
        try:
            with open(query.text) as file:
                found.append(f"read: {file.read()}")
        except OSError as error:
            found.append(f"refused: {type(error).__name__}")
        for parent, folders, files in os.walk("/"):
            if parent == "/":
                folders[:] = [folder for folder in folders if folder not in TOO_MUCH]
            if os.path.basename(query.text) in files:
                found.append(f"seen: {parent}")
        return Retrieval(tuple(MemoryItem(text, 1.0, ("attack",)) for text in found))
