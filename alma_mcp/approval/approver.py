"""The approver's key: Ed25519, unlocked by a passphrase that a person types and nobody keeps.

Whoever can read the file can try passphrases on it, so that each try is made to cost a tenth of a second and 32 MB.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alma_mcp.errors import HomeUnusable, NotApprovable

SHORTEST_PASSPHRASE = 8
SALTED = b"alma-mcp scrypt "
SALT_BYTES = 16


class Approver:
    """An unlocked key. Lives for one command."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def create(cls, path: Path, passphrase: str) -> "Approver":
        """Make a key and keep it, encrypted. Raises `NotApprovable` for a short passphrase or an existing key."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise NotApprovable(f"The passphrase needs at least {SHORTEST_PASSPHRASE} characters.")
        key, salt = Ed25519PrivateKey.generate(), secrets.token_bytes(SALT_BYTES)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(_stretched(passphrase, salt)),
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                _fill(descriptor, SALTED + base64.b64encode(salt) + b"\n" + pem)
            except OSError:
                path.unlink()
                raise
        except FileExistsError as error:
            raise NotApprovable(f"There is a key already in {path}.") from error
        except OSError as error:
            raise HomeUnusable(f"Cannot keep the approver's key in {path} ({error.strerror}).") from error
        return cls(key)

    @classmethod
    def unlock(cls, path: Path, passphrase: str) -> "Approver":
        """Open the kept key. Raises `NotApprovable` for a wrong passphrase."""
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                data = file.read()
        except OSError as error:
            raise HomeUnusable(f"Cannot read the approver's key {path} ({error.strerror}).") from error
        try:
            key = serialization.load_pem_private_key(*_opened(data, passphrase))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise NotApprovable("The passphrase is wrong, or the key file is damaged; nothing was approved.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise NotApprovable(f"{path} holds a key of another kind.")
        return cls(key)

    @property
    def public_key(self) -> str:
        raw = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def sign(self, data: bytes) -> str:
        return base64.b64encode(self._key.sign(data)).decode()


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32).hex().encode()


def _opened(data: bytes, passphrase: str) -> tuple[bytes, bytes]:
    """The PEM in a key file, and what decrypts it: in a file of an older version the passphrase itself."""
    if not data.startswith(SALTED):
        return data, passphrase.encode()
    first, _, pem = data.partition(b"\n")
    return pem, _stretched(passphrase, base64.b64decode(first.removeprefix(SALTED), validate=True))


def _fill(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
