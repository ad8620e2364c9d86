"""A program as the meta-agent: it reads the prompt on standard input and writes its answer on standard output."""

import asyncio
import shlex

from alma_mcp.errors import EvolveError
from evolve.errors import ProposalFailed
from evolve.evaluation import Rejection
from evolve.propose import Brief, Proposal, read_answer, write_prompt, write_repair

ATTEMPTS = 3


class Command:
    """For example `claude -p` or `codex exec -`: a subscription instead of a key."""

    name = "command"

    def __init__(self, command: str, seconds: float) -> None:
        self._command = shlex.split(command)
        self._seconds = seconds

    async def propose(self, brief: Brief) -> Proposal:
        prompt = request = write_prompt(brief)
        for _ in range(ATTEMPTS):
            answer = await self._run(request)
            read = read_answer(answer)
            if isinstance(read, Proposal):
                return read
            request = write_repair(prompt, answer, read)
        assert isinstance(read, Rejection)
        raise ProposalFailed(f"{self._command[0]} gave no usable design in {ATTEMPTS} answers: {read.reason}")

    async def _run(self, prompt: str) -> str:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise EvolveError(f"Cannot start the proposer {self._command[0]!r}: {error.strerror}.") from error
        try:
            out, err = await asyncio.wait_for(process.communicate(prompt.encode()), self._seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ProposalFailed(f"{self._command[0]} took more than {self._seconds:g} seconds.") from None
        if process.returncode:
            last = (err.decode(errors="replace").strip().splitlines() or ["nothing on standard error"])[-1]
            raise ProposalFailed(f"{self._command[0]} ended with code {process.returncode}: {last}")
        return out.decode(errors="replace")
