"""Secrets out of texts before anything is stored or shown.

Curated patterns, each linear in the text's length. A secret becomes
`[REDACTED:kind:hash8]`; the hash is keyed per home, so equal secrets still match one
another and cannot be guessed from the outside.
"""

import hashlib
import os
import re
import secrets
from functools import partial
from pathlib import Path

_KINDS: tuple[tuple[str, str], ...] = (
    (
        "private-key",
        r"-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s:,\\\-]{1,20000}?-----END [A-Z ]{1,40}-----",
    ),
    ("aws-key-id", r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b"),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b"),
    ("gitlab-token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas)-[A-Za-z0-9_\-]{20,255}"),
    ("anthropic-key", r"\bsk-ant-[A-Za-z0-9_\-]{20,255}"),
    ("openai-key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{20,255}"),
    ("stripe-key", r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}\b"),
    ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,255}"),
    ("slack-webhook", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_\-]{20,255}"),
    ("discord-webhook", r"https://discord(?:app)?\.com/api/webhooks/[0-9]{5,30}/[A-Za-z0-9_\-]{20,255}"),
    ("google-key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    ("google-oauth", r"\b(?:ya29\.[A-Za-z0-9_\-]{20,2048}|GOCSPX-[A-Za-z0-9_\-]{20,255})"),
    ("hugging-face-token", r"\bhf_[A-Za-z0-9]{30,255}\b"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("pypi-token", r"\bpypi-[A-Za-z0-9_\-]{50,1024}"),
    ("sendgrid-key", r"\bSG\.[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,64}"),
    ("twilio-key", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    ("digitalocean-token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    ("telegram-token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{33}\b"),
    ("age-key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("azure-key", r"\bAccountKey=(?P<s_azure>[A-Za-z0-9+/]{86}==)"),
    ("json-web-token", r"\beyJ[A-Za-z0-9_\-]{10,2048}\.eyJ[A-Za-z0-9_\-]{10,4096}\.[A-Za-z0-9_\-]{10,1024}"),
    (
        "authorization",
        r"\b[Aa]uthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:Bearer|Basic|token)\s{1,3}(?P<s_authorization>[A-Za-z0-9+/=._\-~]{12,4096})",
    ),
    ("url-password", r"\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/@]{0,128}:(?P<s_url>[^\s:/@]{3,256})@"),
    ("aws-secret", r"(?i:aws_?secret_?access_?key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<s_aws>[A-Za-z0-9/+]{40})\b"),
    (
        "assigned-secret",
        r"(?i:\b[a-z0-9_\-.]{0,40}(?:password|passwd|passphrase|secret|api_?key|apikey|access_?token|auth_?token"
        r"|client_?secret|private_?key))[\"']?\s{0,3}(?:=|:)\s{0,3}(?P<quote>[\"'])(?P<s_assigned>[^\s\"']{8,512})(?P=quote)",
    ),
    (
        "environment-secret",
        r"(?m:^\s{0,8}(?:export\s{1,4})?[A-Z][A-Z0-9_]{0,60}(?:PASSWORD|SECRET|TOKEN|API_KEY|APIKEY|PRIVATE_KEY)"
        r"=(?P<s_environment>[^\s\"'$<>{}]{8,512}))",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_MARK = re.compile(r"\[REDACTED:[a-z\-]+:[0-9a-f]{8}\]")


class Redactor:
    """Replaces secrets in texts. `key` is 32 random bytes that stay in the home."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of_home(cls, path: Path) -> "Redactor":
        """The redactor with the key in a file, made at first use, readable by its owner alone."""
        try:
            return cls(path.read_bytes())
        except FileNotFoundError:
            key = secrets.token_bytes(32)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
            return cls(key)

    def redact(self, text: str) -> str:
        """The text with every secret that a pattern knows replaced by its mark."""
        for kind, pattern in _PATTERNS:
            text = pattern.sub(partial(self._replace, kind), text)
        return text

    def _replace(self, kind: str, match: re.Match[str]) -> str:
        inner = next((value for name, value in match.groupdict().items() if name.startswith("s_") and value), None)
        secret = inner or match.group()
        if _MARK.search(secret):
            return match.group()
        digest = hashlib.blake2b(secret.encode(errors="surrogatepass"), key=self._key, digest_size=4).hexdigest()
        return match.group().replace(secret, f"[REDACTED:{kind}:{digest}]")
