"""Registering a passkey: what a browser is asked for, and whether what it brings back is a key worth enrolling.

A key must lie in an authenticator that verifies its user, and be made for a page of this machine, now. Who made the
authenticator is not asked (no attestation): the enrolment is signed by an approver, which says more.
Source: W3C Web Authentication, level 3, section 7.1.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationConveyancePreference, PublicKeyCredentialRpEntity, RegistrationResponse

from alma_mcp.errors import BadRequest
from alma_mcp.ledger.passkey import REFUSED, RP_ID, public_key_of

RP_NAME = "alma-mcp"
ALGORITHMS = (-7, -8)  # ES256 and EdDSA, by their numbers in COSE
TIMEOUT_MS = 120_000
CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just made: its public key as the ledger keeps it, and by what the browser finds it again."""

    public_key: str
    credential: str


def new_challenge() -> bytes:
    """What a new passkey is made for; nobody can foresee it."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def creation_options(challenge: bytes, name: str, known: Sequence[str]) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked for, bytes as base64url; `known` credentials are not made again."""
    return {
        "rp": {"id": RP_ID, "name": RP_NAME},
        "user": {"id": websafe_encode(secrets.token_bytes(16)), "name": name, "displayName": name},
        "challenge": websafe_encode(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": each} for each in ALGORITHMS],
        "timeout": TIMEOUT_MS,
        "excludeCredentials": [{"type": "public-key", "id": each} for each in known],
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "required"},
        "attestation": "none",
    }


def request_options(challenge: bytes, credentials: Sequence[str]) -> dict[str, Any]:
    """What `navigator.credentials.get` is asked for: the word of one of these passkeys, its user verified."""
    return {
        "rpId": RP_ID,
        "challenge": websafe_encode(challenge),
        "timeout": TIMEOUT_MS,
        "allowCredentials": [{"type": "public-key", "id": each} for each in credentials],
        "userVerification": "required",
    }


def registered(challenge: bytes, origin: str, client_data: str, attestation: str) -> NewPasskey:
    """The passkey that an authenticator made for this challenge on a page of this origin.

    The last two are base64url. Raises `BadRequest` for anything else.
    """
    try:
        return _registered(challenge, origin, client_data, attestation)
    except REFUSED as error:
        raise BadRequest(f"The browser brought back no passkey that can be enrolled ({error}); try again.") from error


def _registered(challenge: bytes, origin: str, client_data: str, attestation: str) -> NewPasskey:
    brought: Mapping[str, Any] = {"clientDataJSON": client_data, "attestationObject": attestation}
    response = RegistrationResponse.from_dict({"id": "", "rawId": "", "type": "public-key", "response": brought})
    if response.response.client_data.cross_origin:
        raise ValueError("It was asked for by a page inside another one")
    rp = PublicKeyCredentialRpEntity(id=RP_ID, name=RP_NAME)
    server = Fido2Server(rp, AttestationConveyancePreference.NONE, verify_origin=lambda found: found == origin)
    state = {"challenge": websafe_encode(challenge), "user_verification": "required"}
    made = server.register_complete(state, response).credential_data
    if made is None:
        raise ValueError("It holds no key")
    if made.public_key.get(3) not in ALGORITHMS:
        raise ValueError("Its signatures are of another kind than was asked for")
    return NewPasskey(public_key_of(made.public_key), websafe_encode(made.credential_id))


def decoded(text: str) -> bytes:
    """The bytes of base64url. Raises `BadRequest`."""
    try:
        return websafe_decode(text)
    except (ValueError, TypeError) as error:
        raise BadRequest("The browser brought back no word of a passkey; try again.") from error
