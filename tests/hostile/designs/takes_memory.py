"""Takes as much memory as it can get, and touches it."""

from alma_mcp.contract import Memory, Query, Retrieval


class TakesMemory(Memory):
    async def retrieve(self, query: Query) -> Retrieval:
        taken = []
        while True:
            taken.append(b"x" * (1 << 26))
