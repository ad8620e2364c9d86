"""Downloads from a server on loopback that can break off, forget what ranges are, and give something else."""

import hashlib
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alma_mcp.command_line import run_group
from alma_mcp.errors import DataMissing, EvolveError
from alma_mcp.home import Home
from evolve.benchmarks import longmemeval
from evolve.cli import cli
from evolve.commands import data as data_cli
from evolve.download import RemoteFile, download

CONTENT = bytes(range(256)) * 20_000
ALMA_EVOLVE = Path(sys.executable).parent / "alma-evolve"


@dataclass
class Mirror:
    """What the server gives, and what it was asked."""

    content: bytes = CONTENT
    breaks_after: int = len(CONTENT)
    knows_ranges: bool = True
    asked: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def file(self) -> RemoteFile:
        return RemoteFile(self.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            mirror.asked.append(wanted)
            first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and mirror.knows_ranges else 0
            self.send_response(404 if "missing" in self.path else 206 if first else 200)
            self.end_headers()
            self.wfile.write(mirror.content[first : mirror.breaks_after])

        def log_message(self, *arguments) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}/data.json"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield mirror
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(mirror, to, told=None):
    seen = told if told is not None else []
    return download(mirror.file, to, lambda done, total: seen.append((done, total)))


def test_the_file_is_in_its_place_when_it_is_right(mirror, tmp_path):
    told = []
    assert fetch(mirror, tmp_path / "new" / "data.json", told)
    assert (tmp_path / "new" / "data.json").read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["data.json"]


def test_a_file_that_is_there_is_not_fetched_again(mirror, tmp_path):
    (tmp_path / "data.json").write_bytes(CONTENT)
    assert not fetch(mirror, tmp_path / "data.json")
    assert mirror.asked == []


def test_another_file_in_its_place_is_left_alone(mirror, tmp_path):
    (tmp_path / "data.json").write_bytes(b"mine")
    with pytest.raises(DataMissing, match="is not this file"):
        fetch(mirror, tmp_path / "data.json")
    assert (tmp_path / "data.json").read_bytes() == b"mine"


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_download_that_broke_off_is_finished_by_the_next(mirror, tmp_path, knows_ranges):
    mirror.knows_ranges = knows_ranges
    mirror.breaks_after = 3_000_000
    with pytest.raises(DataMissing, match=r"broke off after 3,000,000 of 5,120,000 bytes"):
        fetch(mirror, tmp_path / "data.json")
    assert not (tmp_path / "data.json").exists()
    mirror.breaks_after = len(CONTENT)
    assert fetch(mirror, tmp_path / "data.json")
    assert mirror.asked == ["", "bytes=3000000-"]
    assert (tmp_path / "data.json").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "sentence"), [(CONTENT[::-1], "the hash"), (CONTENT + b"x", "more than 5,120,000 bytes")]
)
def test_other_bytes_are_refused_and_nothing_is_kept(mirror, tmp_path, content, sentence):
    mirror.content, mirror.breaks_after = content, len(content)
    with pytest.raises(DataMissing, match=f"another file: it has {sentence}"):
        fetch(mirror, tmp_path / "data.json")
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_gives_nothing_is_told_in_a_sentence(mirror, tmp_path):
    mirror.url = mirror.url.replace("data", "missing")
    with pytest.raises(DataMissing, match="404"):
        fetch(mirror, tmp_path / "data.json")
    mirror.url = "file:///etc/hostname"
    with pytest.raises(DataMissing, match="no address of the web"):
        fetch(mirror, tmp_path / "data.json")


def test_a_place_that_cannot_be_written_is_told_in_a_sentence(mirror, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EvolveError, match="--to PATH"):
        fetch(mirror, tmp_path / "file" / "data.json")


def test_the_command_refuses_a_mirror_with_another_file(mirror, tmp_path):
    to = tmp_path / "lme.json"
    done = subprocess.run(
        [ALMA_EVOLVE, "--home", tmp_path / "home", "data", "longmemeval", "--url", mirror.url, "--to", to],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "broke off after 5,120,000 of 277,383,467 bytes" in done.stderr
    assert not to.exists()


def test_the_command_puts_the_file_into_the_home_where_the_benchmark_looks_for_it(
    mirror, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(data_cli, "LONGMEMEVAL", mirror.file)
    home = Home(tmp_path / "home")
    arguments = ["--home", str(home.path), "data", "longmemeval", "--url", mirror.url]
    assert run_group(cli, "alma-evolve", arguments) == 0
    assert run_group(cli, "alma-evolve", arguments) == 0
    assert (home.data / longmemeval.FILE).read_bytes() == CONTENT
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert mirror.asked == [""]
    assert "was there already" in capsys.readouterr().out
    assert run_group(cli, "alma-evolve", [*arguments[:2], "evaluate", "lexical", "--benchmark", "longmemeval"]) == 1
    assert str(home.data / longmemeval.FILE) in capsys.readouterr().err
