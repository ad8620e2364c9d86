import pytest

from alma_mcp.redaction import Redactor

REDACTOR = Redactor(b"k" * 32)

SECRETS = {
    "aws-key-id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "github-token": "ghp_" + "a1B2" * 9,
    "gitlab-token": "glpat-" + "x" * 20,
    "anthropic-key": "sk-ant-" + "api03-" + "q" * 40,
    "openai-key": "sk-proj-" + "z" * 40,
    "stripe-key": "sk_live_" + "9" * 24,
    "slack-token": "xoxb-" + "1" * 12 + "-abcdef",
    "google-key": "AIza" + "B" * 35,
    "hugging-face-token": "hf_" + "c" * 34,
    "npm-token": "npm_" + "d" * 36,
    "pypi-token": "pypi-" + "e" * 60,
    "json-web-token": "eyJ" + "hbGciOiJIUzI1" + ".eyJ" + "zdWIiOiIxMjM0" + "." + "s" * 20,
    "private-key": "-----BEGIN RSA PRIVATE KEY-----\n" + "QUJD" * 20 + "\n-----END RSA PRIVATE KEY-----",
}

BENIGN = [
    "the task sk-learn pipeline and sketch",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it",
    "set password_file in config.py and rotate the api_key yearly",
    "visit https://example.org/path:8080/x@y",
    "def secret_santa(names): return shuffle(names)",
    "token = tokenizer.encode(text)",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
]


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_replaced_and_its_kind_is_named(kind):
    text = REDACTOR.redact(f"before {SECRETS[kind]} after")
    assert SECRETS[kind] not in text
    assert f"[REDACTED:{kind}:" in text
    assert text.startswith("before ")
    assert text.endswith(" after")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('password = "correct-horse-battery"', "password"),
        ("export DATABASE_PASSWORD=hunter2hunter2", "DATABASE_PASSWORD"),
        ("postgres://app:s3cretpass@db:5432/x", "postgres://app:"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer"),
        ('{"client_secret": "abcdefgh12345678"}', "client_secret"),
    ],
)
def test_only_the_value_of_an_assignment_is_replaced(text, kept):
    redacted = REDACTOR.redact(text)
    assert kept in redacted
    assert "[REDACTED:" in redacted


@pytest.mark.parametrize("text", BENIGN)
def test_a_benign_line_is_left_as_it_is(text):
    assert REDACTOR.redact(text) == text


def test_equal_secrets_get_equal_marks_and_other_homes_other_ones():
    secret = SECRETS["github-token"]
    assert REDACTOR.redact(secret) == REDACTOR.redact(secret)
    assert REDACTOR.redact(secret) != Redactor(b"j" * 32).redact(secret)


def test_redacting_twice_changes_nothing():
    once = REDACTOR.redact(f'api_key = "{SECRETS["openai-key"]}"')
    assert REDACTOR.redact(once) == once


def test_the_key_is_made_once_and_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "redaction.key"
    first = Redactor.of_home(path).redact(SECRETS["npm-token"])
    assert Redactor.of_home(path).redact(SECRETS["npm-token"]) == first
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["a" * 200_000, "password=" * 20_000, "-----BEGIN PRIVATE KEY-----" * 2_000])
def test_a_long_text_that_almost_matches_is_left_as_it_is(text):
    assert REDACTOR.redact(text) == text
