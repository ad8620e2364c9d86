"""The person's terminal: the one place where a promotion is decided."""

import getpass
import sys

from alma_mcp.errors import BadRequest


def require_terminal() -> None:
    """Raises `BadRequest` unless a person's terminal is on both ends of this command."""
    ends = (sys.stdin, sys.stdout)
    if not all(end is not None and end.isatty() for end in ends):
        raise BadRequest(
            "A promotion is decided by a person in a terminal; this command was started by something else."
        )


def ask(question: str) -> str:
    """A line that the person types."""
    require_terminal()
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline().strip()


def ask_passphrase(question: str) -> str:
    """What the person types without an echo, from the terminal itself."""
    require_terminal()
    return getpass.getpass(question)


def ask_new_passphrase() -> str:
    """A passphrase typed twice. Raises `BadRequest` when the two differ."""
    first = ask_passphrase("Choose an approval passphrase (at least 8 characters; no assistant must know it): ")
    if first != ask_passphrase("Once more: "):
        raise BadRequest("The two passphrases differ; nothing was set.")
    return first
