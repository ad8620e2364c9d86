"""The key files of a home's approvers: `approver.pem` of the first, `approvers/NAME.pem` of each further one.

A passphrase opens one of them, so nobody has to say who they are. A new key is written beside its place, as
`NAME.pem.new`, and moved there once the ledger has its row: what is interrupted in between is finished by the next
command that unlocks the key.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from alma_mcp.approval.approver import Approver
from alma_mcp.errors import AlmaError, HomeUnusable, NotApprovable
from alma_mcp.home import Home
from alma_mcp.ledger.passkey import PASSKEY

NEW = ".new"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys of one home lie."""

    home: Home

    def place(self, name: str, *, first: bool) -> Path:
        """The file of an approver who has none yet."""
        return self.home.approver if first else self.home.approvers / f"{name}.pem"

    def all(self) -> list[Path]:
        """Every file of a key, with those that are not in their place yet behind the others."""
        folders = [(self.home.path, self.home.approver.name), (self.home.approvers, "*.pem")]
        return [path for end in ("", NEW) for folder, name in folders for path in sorted(folder.glob(name + end))]

    def unlock(self, passphrase: str, enrolled: Collection[str]) -> tuple[Approver, Path]:
        """The enrolled key that this passphrase opens, and its file.

        `enrolled` are the public keys that may approve; while there are none, `approver.pem` is opened, from which one
        can be made. Raises `NotApprovable` where the passphrase is wrong, `HomeUnusable` where no file is left.
        """
        paths = self.all() if enrolled else [self.home.approver]
        if enrolled and all(key.startswith(PASSKEY) for key in enrolled):
            raise NotApprovable(
                "Every enrolled key is a passkey, and those are used on the page of `alma-mcp dashboard`."
            )
        if not paths:
            raise HomeUnusable(
                f"An approver is enrolled, but the key file {self.home.approver} is gone; put it back from a backup."
            )
        problems: list[AlmaError] = []
        for path in paths:
            try:
                approver = Approver.unlock(path, passphrase)
            except (NotApprovable, HomeUnusable) as problem:
                problems.append(problem)
                continue
            if not enrolled or approver.public_key in enrolled:
                return approver, self.settle(path)
            problems.insert(0, NotApprovable(_not_enrolled(path)))
        raise problems[0]

    def write(self, place: Path, passphrase: str) -> Approver:
        """Make a key beside its place, over what an interrupted command left there."""
        new = _beside(place)
        try:
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.unlink(missing_ok=True)
        except OSError as error:
            raise HomeUnusable(f"Cannot keep the approver's key in {place} ({error.strerror}).") from error
        return Approver.create(new, passphrase)

    def discard(self, place: Path) -> None:
        """Remove the key beside a place, which the ledger did not take."""
        _beside(place).unlink(missing_ok=True)

    def settle(self, path: Path) -> Path:
        """Have an enrolled key in its place; gives where it lies, which is elsewhere as long as it cannot be moved."""
        if path.suffix != NEW:
            return path
        try:
            return path.replace(path.with_suffix(""))
        except OSError:
            return path

    def keep(self, place: Path) -> None:
        """Move the key beside a place into it: the ledger has its row."""
        self.settle(_beside(place))


def _not_enrolled(path: Path) -> str:
    return (
        f"{path} is not the key that is enrolled; put that one back from a backup, or type the passphrase of the key"
        " that took its place."
    )


def _beside(place: Path) -> Path:
    return place.with_name(place.name + NEW)
