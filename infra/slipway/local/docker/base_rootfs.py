"""Make the base image's file system: Debian packages, fetched and checked by apt, unpacked, not installed.

No maintainer script runs and nothing is mounted, so that it takes seconds, needs no chroot, and gives the
same bytes for the same packages.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from slipway.local.docker import image_archive
from slipway.local.host import apt_sources, paths
from slipway.local.host.commands import Command, explained, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

RELEASE = "bookworm"
USER_ID = 65532
"""User `nonroot`, the number that distroless images gave the field's habit."""

_WITH_DEPENDENCIES = ("python3", "libstdc++6")
"""libstdc++6: manylinux wheels of numpy and onnxruntime expect the system to have it."""
_ALONE = ("base-files", "dash", "tzdata")
"""Unpacked without what they would pull in for their scripts: perl, awk, dpkg."""
_DROPPED = (
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/doc-base",
    "usr/share/perl5",
    "usr/lib/*-linux-gnu/gconv",
    "usr/lib/*-linux-gnu/perl-base",
    "usr/share/zoneinfo/right",
    "usr/share/zoneinfo/posix",
)
_PASSWD = f"root:x:0:0:root:/root:/usr/sbin/nologin\nnonroot:x:{USER_ID}:{USER_ID}::/nonexistent:/usr/sbin/nologin\n"
_GROUP = f"root:x:0:\nnonroot:x:{USER_ID}:\n"


def build(layer: Path, report: Report) -> None:
    """Write the file system as a layer.

    Raises:
        LocalError: a package could not be fetched or checked, or the Python in it does not run.
    """
    layer.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".base-", dir=layer.parent) as scratch:
        debs = _fetch(Path(scratch), report)
        report(f"unpacking {len(debs)} packages")
        root = Path(scratch) / "root"
        _make_folders(root)
        for deb in debs:
            _unpack(deb, root)
        _prune(root)
        (root / "etc" / "passwd").write_text(_PASSWD)
        (root / "etc" / "group").write_text(_GROUP)
        report("compiling Python's library")
        _compile(root)
        image_archive.write_layer(layer, root, sticky=("tmp", "var/tmp"))


def _fetch(scratch: Path, report: Report) -> list[Path]:
    """Download the packages with an apt that knows only this release and believes that nothing is installed."""
    sources = apt_sources.for_debian(RELEASE, apt_sources.read())
    absent = [source.signed_by for source in sources if not Path(source.signed_by).exists()]
    if absent:
        raise LocalError(
            f"{absent[0]} is missing, by which packages of Debian {RELEASE} are checked; run "
            "`apt-get install debian-archive-keyring`"
        )
    (scratch / "sources.list").write_text(apt_sources.render(sources))
    (scratch / "status").touch()
    archives = scratch / "cache" / "archives"
    (archives / "partial").mkdir(parents=True)
    (scratch / "state" / "lists" / "partial").mkdir(parents=True)
    settings = {
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": scratch / "state",
        "Dir::State::status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    get = [
        "apt-get",
        "-q",
        "-y",
        *(part for item in settings.items() for part in ("-o", "{}={}".format(*item))),
    ]
    report("package lists")
    _apt([*get, "update"], "update", archives)
    report("packages")
    _apt([*get, "--download-only", "install", *_WITH_DEPENDENCIES], "download", archives)
    _apt([*get, "download", *_ALONE], "download-alone", archives)
    return sorted(archives.glob("*.deb"))


def _apt(argv: list[str], what: str, folder: Path) -> None:
    log = paths.STATE_LOG / f"base-image-{what}.log"
    run(Command(what=f"base image: apt {what}", argv=argv, log=log, limit_s=600, cwd=folder))


def _make_folders(root: Path) -> None:
    """The merged /usr of bookworm comes first: packages still ship files under /lib and /bin."""
    for folder in (
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
        "etc",
        "tmp",
        "var/tmp",
        "root",
        "proc",
        "sys",
        "dev",
    ):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / link).symlink_to(f"usr/{link}")


def _unpack(deb: Path, root: Path) -> None:
    """Unpack files over the merged /usr and keep the package's record where image scanners look for it."""
    with explained(f"base image: unpacking {deb.name}"):
        tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, timeout=120, check=True)
        subprocess.run(
            ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root],
            input=tar.stdout,
            capture_output=True,
            timeout=120,
            check=True,
        )
        control = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, timeout=60, check=True).stdout
    record = root / "var" / "lib" / "dpkg" / "status.d" / deb.name.split("_", 1)[0]
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_bytes(control.replace(b"\n", b"\nStatus: install ok unpacked\n", 1))


def _prune(root: Path) -> None:
    """Drop what no program reads; the licences under usr/share/doc stay, as they must when one hands it on."""
    for pattern in _DROPPED:
        for path in root.glob(pattern):
            shutil.rmtree(path)
    for path in sorted((root / "usr" / "share" / "doc").rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name != "copyright":
            path.unlink()


def _compile(root: Path) -> None:
    """Byte-compile the library with its own Python: a read-only container could not do it at its start.

    The interpreter runs through its own loader, so that this needs no chroot. Hash-based files do not depend
    on times. This is the check as well that the Python in the image runs.
    """
    loader = next((root / "usr").glob("lib*/**/ld-linux-*.so.*"))
    libraries = ":".join(str(path) for path in (root / "usr" / "lib").glob("*-linux-gnu"))
    python = root / "usr" / "bin" / "python3.11"
    library = root / "usr" / "lib" / "python3.11"
    compile_all = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    names = ("-s", root, "-p", "/")
    run(
        Command(
            what="base image: its Python",
            argv=[loader, "--library-path", libraries, python, "-I", *compile_all, *names, library],
            env={"PYTHONHOME": str(root / "usr"), "PATH": os.defpath},
            log=paths.STATE_LOG / "base-image-compile.log",
            limit_s=300,
        )
    )
