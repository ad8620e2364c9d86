"""Stops NetHack's clock, once, when the image is built: `python minihack_clock.py .../nle/libnethack.so`.

NetHack asks what day it is: a full moon is lucky, a new moon and Friday the 13th are not, and at night some monsters
differ. The same seed would then be another game on another day. Everything it asks goes through one function, `getnow`,
which here answers one noon at a quarter moon.
"""

import struct
import sys
from pathlib import Path

NOON = 978_609_600  # Thursday, 4 January 2001, 12:00 UTC
X86_64, AARCH64 = 62, 183
SYMBOLS, ENTRY, SYMBOL = 11, struct.Struct("<IIQQQQIIQQ"), struct.Struct("<IBBHQQ")


class NoClock(Exception):
    """The library is not one that this program knows how to change."""


def stopped(library: bytes) -> bytes:
    """A NetHack library whose `getnow` answers `NOON`. Raises `NoClock`."""
    if library[:6] != b"\x7fELF\x02\x01":
        raise NoClock("This is no 64-bit little-endian ELF library.")
    code = _answering(struct.unpack_from("<H", library, 18)[0])
    place, size = _getnow(library)
    if size < len(code):
        raise NoClock(f"getnow takes {size} bytes, too few for {len(code)}.")
    return library[:place] + code + library[place + len(code) :]


def _answering(machine: int) -> bytes:
    """A function's machine code that returns `NOON`."""
    if machine == X86_64:
        return b"\x48\xb8" + struct.pack("<Q", NOON) + b"\xc3"
    if machine == AARCH64:
        low, high = NOON & 0xFFFF, NOON >> 16
        return struct.pack("<III", 0xD2800000 | low << 5, 0xF2A00000 | high << 5, 0xD65F03C0)
    raise NoClock(f"ELF machine {machine} is neither x86-64 nor AArch64.")


def _getnow(library: bytes) -> tuple[int, int]:
    """Where `getnow` lies in the file, and how long it is."""
    start = struct.unpack_from("<Q", library, 40)[0]
    width, count = struct.unpack_from("<HH", library, 58)
    sections = [ENTRY.unpack_from(library, start + number * width) for number in range(count)]
    for _, kind, _, _, offset, size, link, *_ in sections:
        if kind != SYMBOLS:
            continue
        names = sections[link][4]
        for name, _, _, section, value, length in SYMBOL.iter_unpack(library[offset : offset + size]):
            if library[names + name : names + name + 7] == b"getnow\0" and section:
                return sections[section][4] + value - sections[section][3], length
    raise NoClock("There is no getnow in this library.")


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_bytes(stopped(path.read_bytes()))
