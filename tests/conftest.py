"""Where continuous integration runs the tests, a skipped test is a failure, unless it says that it cannot run there."""

import os

import pytest
from made import write_locomo

CANNOT_RUN_HERE = "cannot run here: "


def pytest_addoption(parser):
    parser.addoption("--pictures", metavar="FOLDER", help="Keep the screenshots of the dashboard here.")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session, exitstatus):
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    reasons = [report.longrepr[2] for report in reporter.stats.get("skipped", [])]
    forbidden = [reason for reason in reasons if CANNOT_RUN_HERE not in reason]
    if forbidden:
        reporter.write_line(
            f"{len(forbidden)} tests that can run here were skipped: {sorted(set(forbidden))}", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def locomo_file(tmp_path):
    return write_locomo(tmp_path / "locomo.json")
