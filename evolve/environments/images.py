"""The images that environments run in: how they are named, whether they are built, and building them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from alma_mcp.errors import HostError
from alma_mcp.hosts.docker_daemon import build as build_image
from alma_mcp.hosts.docker_daemon import connect, has_image
from evolve.environments import FAMILIES, Domain, Family

CONTEXTS = Path(__file__).resolve().parents[2] / "envs_docker"
LABEL = "alma-mcp.env"
EXTRA_LABEL = "alma-mcp.extra."
EXTRAS: Mapping[Family, tuple[str, ...]] = MappingProxyType(
    {"alfworld": (), "balrog": ("baba_original_source", "boxoban_levels")}
)
NOTHING: Mapping[str, Path] = MappingProxyType({})
HASH = 12


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that is there: its size in bytes, and the hash of each folder that a user supplied."""

    size: int
    extras: Mapping[str, str]


def family_of(name: str) -> Family | None:
    """The family that a domain's or a family's name means."""
    return next((family for domain, family in FAMILIES.items() if name in (domain, family)), None)


def domains_of(family: Family) -> tuple[Domain, ...]:
    """The domains that share a family's image."""
    return tuple(domain for domain, its in FAMILIES.items() if its == family)


def image_name(family: Family) -> str:
    """A family's image: its tag is the hash of what it is built from. `.ci/docker.sh` names it the same way."""
    parts = b"".join(path.read_bytes() for path in _sources(family))
    return f"alma-mcp-env-{family}:{hashlib.sha256(parts).hexdigest()[:HASH]}"


def is_built(family: Family) -> bool:
    """Whether a family's image is there. Raises `NoSandbox` where no daemon answers."""
    return has_image(image_name(family))


def inspect(family: Family) -> BuiltImage | None:
    """What is there of a family's image. Raises `NoSandbox` where no daemon answers."""
    from docker.errors import ImageNotFound  # noqa: PLC0415 - loaded only where Docker is wanted

    client = connect()
    try:
        found = client.inspect_image(image_name(family))
    except ImageNotFound:
        return None
    finally:
        client.close()
    labels = found["Config"]["Labels"] or {}
    extras = {key.removeprefix(EXTRA_LABEL): value for key, value in labels.items() if key.startswith(EXTRA_LABEL)}
    return BuiltImage(int(found["Size"]), extras)


def build(
    family: Family,
    base: str = "",
    wheels: Path | None = None,
    extras: Mapping[str, Path] = NOTHING,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Build a family's image; with a folder of `wheels` it is built without network.

    `base` replaces the base image. `extras` are folders that the user supplies, by the names in `EXTRAS`; the hash
    of each is a label of the image and stands in `extras.json` beside `env.py`. `progress` gets the build's lines.
    Raises `NoSandbox`, and `HostError` where a folder is not what it should be or the build fails.
    """
    if unknown := sorted(set(extras) - set(EXTRAS[family])):
        raise HostError(f"The image of {family} takes no {' or '.join(unknown)}; leave that option out.")
    hashes = {name: _hash_of(folder) for name, folder in extras.items()}
    build_image(
        image_name(family),
        _context(family, _wheels(wheels), extras, hashes),
        arguments={"BASE_IMAGE": base} if base else {},
        labels={LABEL: family} | {EXTRA_LABEL + name: each for name, each in hashes.items()},
        network=wheels is None,
        recipe=f"envs_docker/{family}/Dockerfile",
        progress=progress,
    )


def _sources(family: Family) -> list[Path]:
    folder = CONTEXTS / family
    return [folder / "Dockerfile", folder / "requirements.txt", *sorted(folder.glob("*.py")), CONTEXTS / "lines.py"]


def _wheels(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if found := sorted(folder.glob("*.whl")):
        return found
    raise HostError(f"There are no wheels in {folder}; `pip wheel --no-deps -r requirements.txt` makes them.")


def _hash_of(folder: Path) -> str:
    """A hash of the names and contents of what is below a folder. Raises `HostError` where there is nothing."""
    files = _files(folder)
    if not files:
        raise HostError(f"There are no files in {folder}; name the folder that holds them.")
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()[:HASH]


def _files(folder: Path) -> list[Path]:
    inside = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in inside if not {".git", "__pycache__"} & set(path.relative_to(folder).parts))


def _context(family: Family, wheels: list[Path], extras: Mapping[str, Path], hashes: Mapping[str, str]) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in _sources(family):
            archive.add(path, path.name)
        for wheel in wheels:
            archive.add(wheel, f"wheels/{wheel.name}")
        for name, folder in extras.items():
            for path in _files(folder):
                archive.add(path, f"{name}/{path.relative_to(folder).as_posix()}")
        if hashes:
            said = json.dumps(dict(hashes)).encode()
            entry = tarfile.TarInfo("extras.json")
            entry.size, entry.mode = len(said), 0o644
            archive.addfile(entry, io.BytesIO(said))
    packed.seek(0)
    return packed
