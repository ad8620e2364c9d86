"""Never comes back, and never lets anything else run."""

from alma_mcp.contract import Memory, Query, Retrieval


class Loops(Memory):
    async def retrieve(self, query: Query) -> Retrieval:
        while True:
            pass
