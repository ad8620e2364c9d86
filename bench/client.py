"""A client as thin as can be: JSON lines through a real pump, so that what is measured is ours."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

ALMA = Path(sys.executable).parent / "alma-mcp"


class PumpClient:
    """One session over a pump process, in the handshake era."""

    def __init__(self, home: Path, project: Path) -> None:
        self._process = subprocess.Popen(
            [ALMA, "--home", home], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._number = 0
        self.request(
            "initialize",
            {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "bench", "version": "1"},
            },
        )
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        self._write({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool; gives its text. Raises `RuntimeError` for a tool error."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        text = result["content"][0]["text"]
        if result.get("isError"):
            raise RuntimeError(text)
        return text

    def timed(self, tool: str, **arguments: Any) -> float:
        """Call a tool; gives the milliseconds until its answer was read."""
        started = time.perf_counter()
        self.call(tool, **arguments)
        return (time.perf_counter() - started) * 1000

    def _write(self, message: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
