"""Bad homes: a clear sentence, a non-zero exit, nothing lost."""

import os


def assert_one_sentence(done, sentence):
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_damaged_database_is_named_and_left_alone(machine):
    machine.home.experiences.write_bytes(b"garbage" * 1000)
    assert_one_sentence(machine.command("engine"), "damaged")
    assert machine.home.experiences.read_bytes() == b"garbage" * 1000


def test_a_command_over_a_damaged_database_passes_the_engines_reason_on(machine):
    machine.home.experiences.write_bytes(b"garbage" * 1000)
    assert_one_sentence(machine.command("status"), "damaged")


def test_a_missing_database_is_a_new_memory(machine):
    assert "0 events" in machine.command("status").stdout


def test_a_home_that_is_a_file_is_refused(machine):
    machine.home.settings.unlink()
    machine.home.path.rmdir()
    machine.home.path.write_text("")
    done = machine.command("engine")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    machine.home.path.unlink()
    machine.home.prepare()


def test_a_read_only_home_is_refused(machine):
    machine.home.path.chmod(0o500)
    obeying = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    assert_one_sentence(machine.command("engine", prefix=obeying), "read-only")
    machine.home.path.chmod(0o700)


def test_settings_with_an_unknown_key_name_the_key(machine):
    machine.home.settings.write_text('embeder = "none"\n')
    assert_one_sentence(machine.command("engine"), "`embeder`")


def test_settings_that_are_no_toml_are_named(machine):
    machine.home.settings.write_text("= nonsense")
    assert_one_sentence(machine.command("engine"), "not TOML")


def test_an_unknown_first_champion_is_refused_with_the_choices(machine):
    machine.home.settings.write_text('first_champion = "best"\n')
    assert_one_sentence(machine.command("engine"), "hybrid")
