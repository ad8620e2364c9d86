"""The filter is made of whole instructions, for machines it was written for, and for no others."""

from alma_mcp.hosts import seccomp


def test_there_is_a_filter_for_the_machines_it_was_written_for():
    for machine in ("x86_64", "aarch64"):
        code = seccomp.program(machine)
        assert len(code) % 8 == 0
        assert len(code) // 8 > 2 * len(seccomp.REFUSED)


def test_there_is_no_filter_where_its_numbers_would_mean_something_else():
    assert seccomp.program("riscv64") == b""
