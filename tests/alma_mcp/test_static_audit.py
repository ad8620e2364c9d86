import json
import warnings

import pytest

from alma_mcp.design_store import bundled_designs
from alma_mcp.evidence.static_audit import Audit, audit

PROSE = "The key to the cellar lies below the third flower pot from the left. " * 4
ASKS = "\nasync def ask(self):\n    return await self.toolkit.complete(PROMPT)\n"


def seen(source):
    """What is serious in a source, in one text; and nothing else may be."""
    return "\n".join(map(str, audit(source).serious))


@pytest.mark.parametrize("name", sorted(bundled_designs()))
def test_the_designs_that_ship_with_us_have_nothing_serious(name):
    found = audit(bundled_designs()[name].source)
    assert found.serious == ()
    assert all("perhaps a prompt" in note.text for note in found.notes)
    assert found.asks_model == (name in {"dynamic_cheatsheet", "g_memory", "reasoning_bank"})


def test_size_complexity_and_imports_are_told():
    source = (
        '"""Docs."""\nimport json\nfrom collections.abc import Sequence as S\n\n'
        "def plain():\n    return 1\n\n"
        "def worst(a, b):\n    if a and b or a:\n        return [x for x in b if x]\n"
        "    for each in b:\n        assert each\n    return 2 if a else 3\n"
    )
    found = audit(source)
    assert (found.lines, found.statements, found.imports) == (13, 11, ("collections", "json"))
    assert (found.worst, found.complexity) == ("worst", 9)
    assert found.findings == ()


def test_a_function_that_nobody_can_follow_and_a_long_source_are_worth_a_look():
    source = "def f(x):\n" + "    if x:\n        x = 1\n" * 250
    assert [str(each) for each in audit(source).notes] == [
        "Line 1: f is hard to read: a complexity of 251.",
        "Line 1: it is long: 501 statements.",
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\neval('1')\n", "Line 2: it uses eval."),
        ("run = exec\n", "Line 1: it uses exec."),
        ("x = compile('1', '', 'eval')\n", "Line 1: it uses compile."),
        ("x = __import__('os')\n", "Line 1: it uses __import__."),
        ("with open('/etc/passwd') as f:\n    pass\n", "Line 1: it uses open."),
        ("x = ().__class__.__bases__[0].__subclasses__()\n", "it uses .__subclasses__."),
        ("x = getattr(y, 'a' + 'b')\n", "Line 1: it uses getattr with a name that is computed."),
        ("x = getattr(y, '__globals__')\n", "Line 1: it uses getattr"),
        ("x = map(getattr, y)\n", "Line 1: it uses getattr"),
        (
            "import os\n\nx = os.environ\nos.getcwd()\n",
            "it imports os: files, processes or network; used on line 3, 4.",
        ),
        ("from subprocess import run as go\ngo('x')\n", "it imports subprocess, known as go: files"),
        ("import socket\n", "Line 1: it imports socket"),
        ("import ctypes.util\n", "Line 1: it imports ctypes"),
        ("import sys\n", "it imports sys: the insides of Python; not used by that name."),
        ('"""Tasks: a is b."""\nx = __doc__\n', "Line 2: it uses __doc__."),
    ],
)
def test_what_runs_or_reads_what_is_not_in_the_source_is_serious(source, said):
    assert said in seen(source)


def test_an_attribute_by_its_plain_name_and_a_pattern_are_no_findings():
    assert audit("import re\nx = getattr(y, 'name', None)\nz = re.compile('a')\n").findings == ()


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        ("except:", "pass"),
        ("except Exception:", "return Retrieval()"),
        ("except BaseException as error:", "return {'a': []}"),
        ("except (ValueError, Exception):", "return None"),
        ("except builtins.Exception:", "'nothing'"),
    ],
)
def test_a_swallowed_exception_is_serious(handler, body):
    assert "Line 4: it catches " in seen(f"def f():\n    try:\n        g()\n    {handler}\n        {body}\n")


def test_an_exception_that_is_named_or_handled_is_not_swallowed():
    for handler, body in (("except Unavailable:", "return"), ("except Exception as error:", "return str(error)")):
        assert seen(f"def f():\n    try:\n        g()\n    {handler}\n        {body}\n") == ""
    assert "suppresses every exception" in seen("with contextlib.suppress(Exception):\n    f()\n")


@pytest.mark.parametrize(
    "value",
    [
        repr(PROSE),
        repr(PROSE.encode()),
        f"f'{PROSE}{{x}}'",
        f"{PROSE[:150]!r} + x + {PROSE[150:]!r}",
        repr(f"SELECT one FROM these WHERE text = '{PROSE}'"),
        repr(f"SELECT one FROM these -- {PROSE}"),
        repr([f"word{number}" for number in range(25)]),
        repr({f"q{number}": f"a{number}" for number in range(15)}),
        repr([PROSE[:190]] * 4),
        repr(list(range(100))),
        repr(2**1000),
    ],
)
def test_knowledge_that_is_written_down_is_serious(value):
    found = audit(f"\nPROMPT = {value}\n")
    assert [each.line for each in found.serious] == [2]
    assert "can hold knowledge of tasks" in seen(f"\nPROMPT = {value}\n")


def test_many_short_texts_are_serious_together():
    source = "".join(f"A{number} = {PROSE[number:150]!r}\n" for number in range(30))
    assert "30 short texts" in seen(source)


def test_docstrings_and_sql_are_no_knowledge():
    sql = "SELECT key, text FROM insights JOIN parts USING (key) WHERE key IN (SELECT value FROM json_each(?)) " * 3
    assert audit(f'"""{PROSE}"""\nclass A:\n    """{PROSE}"""\n    SQL = {sql!r}\n').findings == ()


def test_a_prompt_is_worth_a_look_where_a_model_is_asked_and_serious_where_it_is_very_long_or_packed():
    prompt = f"PROMPT = {PROSE!r}\n"
    assert "long text" in seen(prompt)
    asked = audit(prompt + ASKS)
    assert asked.asks_model
    assert [each.gravity for each in asked.findings] == ["note"]
    assert "so long" in seen(f"PROMPT = {PROSE * 5!r}\n" + ASKS)
    assert "long text" in seen("import zlib\n" + prompt + ASKS)
    assert "cannot be read here" in str(audit("import zlib\n").notes[0])


def test_the_beginning_of_a_text_is_shown_with_nothing_hidden_in_it():
    (found,) = audit("x = '\\x1b[2J\\u202e\\ud800" + PROSE.replace(" ", "\\n") + "'\n").serious
    assert 'beginning "\\x1b[2J\\u202e\\ud800The key to the' in found.text
    assert found.text.isprintable()
    assert Audit.model_validate_json(audit(f"x = {PROSE!r}").model_dump_json()) == audit(f"x = {PROSE!r}")


def test_characters_that_an_editor_does_not_show_are_serious():
    assert seen("x = 1\ny = 'a\u202eb'  # \u200b\n") == "Line 2: it has characters that are not seen: \\u200b, \\u202e."


def test_the_most_serious_comes_first():
    found = audit(f"import zlib\nx = {PROSE!r}\ntry:\n    f()\nexcept:\n    pass\nimport os\neval(x)\n")
    assert [(each.gravity, each.line) for each in found.findings] == [
        ("serious", 8), ("serious", 7), ("serious", 2), ("serious", 5), ("note", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000 + ")" * 100_000,
        "-" * 200_000 + "1",
        "a" + ".b" * 100_000,
        "+".join(["'x'"] * 50_000),
        "x = 1\0\n",
        "x = " + "9" * 200_000,
        "if x:\npass",
        "\ud800",
    ],
)
def test_a_source_that_cannot_be_read_is_one_finding(source):
    (found,) = audit(source).findings
    assert found.gravity == "serious"
    assert "cannot be read as Python" in found.text


@pytest.mark.parametrize(
    "source",
    [
        "eval(x)\n" * 25_000,
        "[" * 90 + ",".join("1" * 90_000) + "]" * 90,
        "x = '" + "\\x1b" * 50_000 + "'",
        "x = 0x" + "f" * 200_000,
        "x = 'SELECT FROM " + "/*" * 100_000 + "'",
        ("x = " + "[" * 150 + "'a'" + "]" * 150 + "\n") * 600,
    ],
)
def test_a_large_source_is_read_to_its_end_and_told_in_few_lines(source):
    found = audit(source)
    assert len(found.findings) <= 40
    assert len(json.dumps(found.model_dump(mode="json"))) < 20_000
    assert found.left_out == (24_961 if source.startswith("eval") else 0)


def test_reading_a_source_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert audit("x = '\\d'\nassert (1, 'x')\n").findings == ()
