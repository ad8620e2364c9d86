"""The account that this process belongs to, and the names that approvers go by. A name proves nothing; a key does."""

import os
import pwd
import re

APPROVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


def account_name() -> str:
    """The name of the account, from the system and not from the environment; its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def own_approver_name() -> str:
    """The account's name as the name of an approver."""
    return re.sub(r"[^A-Za-z0-9._@+-]", "-", account_name())[:64].lstrip("._@+-") or "approver"
