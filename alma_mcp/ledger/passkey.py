"""Signatures of passkeys (WebAuthn): an authenticator's word that a person was there, over bytes of the ledger.

The challenge that is signed is the SHA-256 of the bytes; the authenticator must have verified its user (a finger, a
face, a PIN), for a page of this machine. Source: W3C Web Authentication, level 3, section 7.2.
"""

import base64
import hashlib
import re
import struct
from collections.abc import Mapping
from typing import Any, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData, CollectedClientData

PASSKEY = "passkey:"
RP_ID = "localhost"
REFUSED = (
    InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, TypeError, IndexError, AttributeError,
    NotImplementedError, RecursionError, struct.error,
)  # fmt: skip
"""What reading an authenticator's bytes may raise, whatever somebody wrote into them."""

ORIGIN = re.compile(r"http://localhost(:\d{1,5})?")


def challenge_of(data: bytes) -> bytes:
    """What the authenticator is asked to sign for these bytes."""
    return hashlib.sha256(data).digest()


def public_key_of(cose: Mapping[int, Any]) -> str:
    """An authenticator's public key as the ledger keeps it."""
    return PASSKEY + base64.b64encode(cbor.encode(dict(cose))).decode()


def signature_of(authenticator_data: bytes, client_data: bytes, signature: bytes) -> str:
    """An assertion as the ledger keeps it."""
    parts = (authenticator_data, client_data, signature)
    return ".".join(base64.b64encode(part).decode() for part in parts)


def assertion_holds(public_key: str, signature: str, data: bytes) -> bool:
    """Whether this is the assertion of a present and verified person, by this key, for exactly these bytes."""
    try:
        parts = [base64.b64decode(part, validate=True) for part in signature.split(".")]
        authenticator, client, signed = AuthenticatorData(parts[0]), CollectedClientData(parts[1]), parts[2]
        cose = cbor.decode(base64.b64decode(public_key.removeprefix(PASSKEY), validate=True))
        key = CoseKey.parse(cast("Mapping[int, Any]", cose))
        if client.type != CollectedClientData.TYPE.GET or client.challenge != challenge_of(data):
            return False
        if not ORIGIN.fullmatch(client.origin) or client.cross_origin:
            return False
        if authenticator.rp_id_hash != hashlib.sha256(RP_ID.encode()).digest():
            return False
        if not (authenticator.is_user_present() and authenticator.is_user_verified()):
            return False
        key.verify(authenticator + client.hash, signed)
    except REFUSED:
        return False
    return True
