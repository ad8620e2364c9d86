"""An authenticator in software, of the curve P-256: what a browser would bring back from it, and what may be wrong."""

import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftwarePasskey:
    """One passkey. `origin` is of the page that asks; `verifies` says whether its user proves to be there."""

    origin: str = "http://localhost:8377"
    verifies: bool = True
    rp_id: str = "localhost"
    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def credential(self):
        return hashlib.sha256(self._key().get(-2)).digest()[:16]

    def create(self, options, **client):
        """What comes of `navigator.credentials.create`, as the page's script sends it on."""
        made = AttestedCredentialData.create(b"\0" * 16, self.credential, self._key())
        told = AuthenticatorData.create(self._rp_hash(), self._flags() | ATTESTED, 0, made)
        attestation = AttestationObject.create("none", told, {})
        spoken = self._client("webauthn.create", options, client)
        return {"client": websafe_encode(spoken), "attestation": websafe_encode(attestation)}

    def get(self, options, **client):
        """What comes of `navigator.credentials.get`."""
        spoken = self._client("webauthn.get", options, client)
        told = AuthenticatorData.create(self._rp_hash(), self._flags(), 7)
        signed = self.secret.sign(told + hashlib.sha256(spoken).digest(), ec.ECDSA(hashes.SHA256()))
        parts = {"authenticator": told, "client": spoken, "signed": signed}
        return {name: websafe_encode(part) for name, part in parts.items()}

    def _client(self, kind, options, changes):
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False, **changes}
        return json.dumps(said).encode()

    def _key(self):
        return ES256.from_cryptography_key(self.secret.public_key())

    def _rp_hash(self):
        return hashlib.sha256(self.rp_id.encode()).digest()

    def _flags(self):
        return PRESENT | (VERIFIED if self.verifies else 0)
