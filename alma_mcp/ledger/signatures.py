"""Whether a row of the ledger was signed with a key: of the terminal (Ed25519), or a passkey of a browser."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from alma_mcp.ledger.passkey import PASSKEY, assertion_holds


def signature_holds(public_key: str, signature: str, data: bytes) -> bool:
    """Whether a signature of these bytes was made with this public key; both as the ledger keeps them."""
    if public_key.startswith(PASSKEY):
        return assertion_holds(public_key, signature, data)
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError):
        return False
    return True
