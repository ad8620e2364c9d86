"""A seccomp filter for the sandbox: system calls that a design never needs are refused.

A classic BPF program (linux/seccomp.h, linux/bpf_common.h), made here because it is thirty
instructions: on another architecture than x86-64 or 64-bit ARM there is none.
"""

import contextlib
import os
import platform
import struct
from collections.abc import Iterator

ALLOW, REFUSE, UNKNOWN, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000  # EPERM, ENOSYS
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X32 = 0x40000000
NEW_NAMESPACES = 0x7E020000

# name: (x86-64, 64-bit ARM)
REFUSED = {
    "ptrace": (101, 117),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "acct": (163, 89),
    "swapon": (167, 224),
    "reboot": (169, 142),
}
CLONE = (56, 220)
CLONE3 = 435
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def program(machine: str = "") -> bytes:
    """The filter as bubblewrap's `--seccomp` reads it; empty on an architecture it is not written for."""
    machine = machine or platform.machine()
    if machine not in MACHINES:
        return b""
    audit, column = MACHINES[machine]
    code = [_do(LOAD, ARCHITECTURE), _if(EQUAL, audit, 1, 0), _do(RETURN, KILL), _do(LOAD, NUMBER)]
    if machine == "x86_64":
        code += [_if(AT_LEAST, X32, 0, 1), _do(RETURN, REFUSE)]
    for numbers in REFUSED.values():
        code += [_if(EQUAL, numbers[column], 0, 1), _do(RETURN, REFUSE)]
    code += [_if(EQUAL, CLONE3, 0, 1), _do(RETURN, UNKNOWN)]
    code += [_if(EQUAL, CLONE[column], 0, 3), _do(LOAD, FIRST_ARGUMENT)]
    code += [_if(ANY_BIT, NEW_NAMESPACES, 0, 1), _do(RETURN, REFUSE), _do(RETURN, ALLOW)]
    return b"".join(code)


@contextlib.contextmanager
def opened() -> Iterator[tuple[int, ...]]:
    """A descriptor that bubblewrap can read the filter from, or none where there is no filter."""
    code = program()
    if not code:
        yield ()
        return
    descriptor = os.memfd_create("seccomp")
    try:
        os.write(descriptor, code)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield (descriptor,)
    finally:
        os.close(descriptor)


def _do(operation: int, value: int) -> bytes:
    return struct.pack("=HBBI", operation, 0, 0, value)


def _if(comparison: int, value: int, yes: int, no: int) -> bytes:
    """Skip `yes` instructions if it holds, else `no`."""
    return struct.pack("=HBBI", comparison, yes, no, value)
