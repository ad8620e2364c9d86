"""A person at a terminal, scripted: for the demo and the benchmarks, in a home and with a passphrase of their own.

It does what a person does: starts the command on a pseudo-terminal, reads, and types.
"""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
PASSPHRASE = "a passphrase for the demo alone"
PATIENCE_SECONDS = 60.0


class Person:
    """Approves promotions in one home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def approve(self, short: str, *options: str) -> str:
        """Approve the request for a design; gives what the terminal showed."""
        answers = [("Type the design's id", short), ("assphrase", PASSPHRASE), ("Once more", PASSPHRASE)]
        return self.type(["promotions", "approve", short, *options], answers)

    def type(self, arguments: Sequence[str], answers: Sequence[tuple[str, str]]) -> str:
        """Run `alma-mcp` on a terminal and answer its questions. Raises `RuntimeError` if it fails."""
        terminal, other = pty.openpty()
        command = [BIN / "alma-mcp", "--home", self._home, *arguments]
        with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, start_new_session=True) as process:
            os.close(other)
            shown = self._converse(terminal, list(answers))
            if process.wait(PATIENCE_SECONDS):
                raise RuntimeError(f"{' '.join(arguments)} ended with code {process.returncode}:\n{shown}")
        os.close(terminal)
        return shown

    def _converse(self, terminal: int, answers: list[tuple[str, str]]) -> str:
        shown, answered = "", 0
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:
                return shown
            if not data:
                return shown
            shown += data.decode(errors="replace")
            waiting = [answer for answer in answers if answer[0] in shown[answered:]]
            if waiting and shown.rstrip("\r\n").endswith(": "):
                os.write(terminal, waiting[0][1].encode() + b"\n")
                answers.remove(waiting[0])
                answered = len(shown)
        raise RuntimeError(f"The terminal said nothing more for {PATIENCE_SECONDS:.0f} seconds:\n{shown}")
