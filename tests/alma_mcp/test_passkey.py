"""A software authenticator signs rows as a browser's would."""

import base64
import hashlib
import json
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256

from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken
from alma_mcp.ledger.champion_ledger import ChampionLedger
from alma_mcp.ledger.passkey import challenge_of, public_key_of, signature_of
from alma_mcp.ledger.rows import Approved, Enrolled, Requested, Row
from alma_mcp.ledger.signatures import signature_holds

FIRST = Design("FIRST = 1", "first")
ROW = b"the bytes of a row"
PRESENT, VERIFIED = 0x01, 0x04


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """A passkey of the curve P-256, and what may be wrong with what it says."""

    secret: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self):
        return public_key_of(ES256.from_cryptography_key(self.secret.public_key()))

    def sign(self, data, *, flags=PRESENT | VERIFIED, rp_id="localhost", client=None, raw=None):
        """An assertion over these bytes; `client` changes what the browser says, `raw` is that to the letter."""
        said = {
            "type": "webauthn.get", "challenge": unpadded(challenge_of(data)), "origin": "http://localhost:8377",
            "crossOrigin": False, **(client or {}),
        }  # fmt: skip
        spoken = json.dumps(said).encode() if raw is None else raw
        told = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + (7).to_bytes(4, "big")
        signed = self.secret.sign(told + hashlib.sha256(spoken).digest(), ec.ECDSA(hashes.SHA256()))
        return signature_of(told, spoken, signed)


@pytest.fixture
def passkey():
    return Authenticator()


@pytest.mark.parametrize("origin", ["http://localhost:8377", "http://localhost"])
def test_a_present_and_verified_person_signs_these_bytes_and_no_others(passkey, origin):
    signature = passkey.sign(ROW, client={"origin": origin})
    assert signature_holds(passkey.public_key, signature, ROW)
    assert not signature_holds(passkey.public_key, signature, ROW + b" ")
    assert not signature_holds(Authenticator().public_key, signature, ROW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"flags": 0},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"rp_id": "localhost.evil.example"},
        {"rp_id": "127.0.0.1"},
        {"client": {"type": "webauthn.create"}},
        {"client": {"challenge": unpadded(challenge_of(b"another row"))}},
        {"client": {"challenge": ""}},
        {"client": {"origin": "https://evil.example"}},
        {"client": {"origin": "http://localhost.evil.example"}},
        {"client": {"origin": "http://localhost:8377.evil.example"}},
        {"client": {"origin": "http://127.0.0.1:8377"}},
        {"client": {"crossOrigin": True}},
        {"raw": b""},
        {"raw": b"[]"},
        {"raw": b"{}"},
        {"raw": b"\xff\xfe"},
        {"raw": b"[" * 100_000},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_an_assertion_that_is_not_of_a_verified_person_on_our_page_is_refused(passkey, wrong):
    assert not signature_holds(passkey.public_key, passkey.sign(ROW, **wrong), ROW)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_part_of_an_assertion_is_refused(passkey, part):
    parts = [base64.b64decode(each) for each in passkey.sign(ROW).split(".")]
    parts[part] = parts[part][:-1] + bytes([parts[part][-1] ^ 1])
    assert not signature_holds(passkey.public_key, signature_of(*parts), ROW)


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        ".",
        "..",
        "...",
        "AAAA.AAAA.AAAA",
        "!.!.!",
        "\u202e",
        "A" * 100_000,
        base64.b64encode(b"\x81" * 9999).decode(),
    ],
    ids=lambda garbage: ascii(garbage[:20]),
)
def test_garbage_is_no_signature_and_no_key(passkey, garbage):
    assert not signature_holds(passkey.public_key, garbage, ROW)
    assert not signature_holds(f"passkey:{garbage}", passkey.sign(ROW), ROW)


def test_a_passkey_without_its_mark_is_no_key(passkey):
    assert not signature_holds(passkey.public_key.removeprefix("passkey:"), passkey.sign(ROW), ROW)


async def test_a_passkey_approves_a_promotion_and_another_one_does_not(passkey, tmp_path):
    ledger = await ChampionLedger.open(tmp_path / "ledger.db", FIRST, lambda design_id: design_id == FIRST.id)
    second = Design("SECOND = 2", "second")

    async def append(content, key):
        row = ledger.draft(content)
        await ledger.append(Row(row.sequence, row.at, row.previous, content, key.sign(row.body())))

    await append(Enrolled(passkey.public_key, "ada", "dashboard", "passkey", "credential"), passkey)
    number = (await ledger.record(Requested(second.id, "second", "e" * 64))).sequence
    word = Approved(second.id, "e" * 64, number, "ada", "dashboard", key=passkey.public_key)
    with pytest.raises(ChainBroken, match="not signed"):
        await append(word, Authenticator())
    await append(word, passkey)
    assert ledger.champion() == second.id
    await ledger.close()
