"""NetHack's clock is stopped by changing one function of its library, and nothing is changed by guess."""

import struct

import pytest

from envs_docker.balrog.minihack_clock import NOON, NoClock, stopped

CODE = 0x100


def library(machine: int, name: bytes = b"getnow", size: int = 32) -> bytes:
    """The least of an ELF library: one function of that name, its body at `CODE` in the file, and 0x1000 in memory."""
    names = b"\0" + name + b"\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 18, 0, 1, 0x1000, size)
    sections = [
        (0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        (0, 1, 0, 0x1000, CODE, 0x80, 0, 0, 0, 0),
        (0, 11, 0, 0, 0x200, len(symbols), 3, 0, 0, 24),
        (0, 3, 0, 0, 0x300, len(names), 0, 0, 0, 0),
    ]
    header = b"\x7fELF\x02\x01" + bytes(12) + struct.pack("<H", machine) + bytes(20)
    header += struct.pack("<Q", 0x400) + bytes(10) + struct.pack("<HH", 64, len(sections))
    made = header.ljust(CODE, b"\0") + b"\x90" * 0x80
    made = made.ljust(0x200, b"\0") + symbols
    made = made.ljust(0x300, b"\0") + names
    return made.ljust(0x400, b"\0") + b"".join(struct.pack("<IIQQQQIIQQ", *section) for section in sections)


def test_on_x86_64_the_function_answers_noon():
    original = library(62)
    changed = stopped(original)
    code = b"\x48\xb8" + struct.pack("<Q", NOON) + b"\xc3"
    assert changed == original[:CODE] + code + original[CODE + len(code) :]


def test_on_aarch64_the_function_answers_noon():
    first, second, last = struct.unpack_from("<III", stopped(library(183)), CODE)
    assert (first >> 5 & 0xFFFF) | (second >> 5 & 0xFFFF) << 16 == NOON
    assert last == 0xD65F03C0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"MZ", "no 64-bit"),
        (library(62, name=b"getthen"), "no getnow"),
        (library(62, size=4), "too few"),
        (library(40), "neither"),
    ],
)
def test_a_library_that_it_does_not_know_is_left_alone(bad, why):
    with pytest.raises(NoClock, match=why):
        stopped(bad)
