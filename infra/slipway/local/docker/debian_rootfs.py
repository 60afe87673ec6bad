"""Make a file system of Debian packages, fetched and checked by apt, unpacked, not installed.

No maintainer script runs and nothing is mounted, so that it takes seconds, needs no chroot, and gives the
same bytes for the same packages.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from slipway.local.host import apt_sources, paths
from slipway.local.host.commands import Command, explained, run
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

RELEASE = "bookworm"
USER_ID = 65532
"""User `nonroot`, the number that distroless images gave the field's habit."""

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


@dataclass(frozen=True)
class Packages:
    """What a file system is made of.

    Attributes:
        what: the image, for messages and the names of logs.
        with_dependencies: packages and all that they depend on.
        alone: packages without what they would pull in for their scripts: perl, awk, dpkg.
        architecture: as Debian and images call it, `arm64`; None: this machine's. Nothing of another one is run.
    """

    what: str
    with_dependencies: tuple[str, ...]
    alone: tuple[str, ...]
    architecture: str | None = None


def unpack(packages: Packages, scratch: Path, report: Report) -> Path:
    """Fetch the packages into the empty folder `scratch` and unpack them there; returns the root.

    Raises:
        LocalError: a package could not be fetched or checked.
    """
    debs = _fetch(packages, scratch, report)
    report(f"unpacking {len(debs)} packages")
    root = scratch / "root"
    _make_folders(root)
    for deb in debs:
        _unpack(packages.what, deb, root)
    _prune(root)
    (root / "etc" / "passwd").write_text(_PASSWD)
    (root / "etc" / "group").write_text(_GROUP)
    return root


def _fetch(packages: Packages, scratch: Path, report: Report) -> list[Path]:
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
    if packages.architecture is not None:
        settings |= {"APT::Architecture": packages.architecture, "APT::Architectures": packages.architecture}
    get = [
        "apt-get",
        "-q",
        "-y",
        *(part for item in settings.items() for part in ("-o", "{}={}".format(*item))),
    ]
    report("package lists")
    _apt(packages.what, [*get, "update"], "update", archives)
    report("packages")
    _apt(packages.what, [*get, "--download-only", "install", *packages.with_dependencies], "download", archives)
    _apt(packages.what, [*get, "download", *packages.alone], "download-alone", archives)
    return sorted(archives.glob("*.deb"))


def _apt(image: str, argv: list[str], what: str, folder: Path) -> None:
    log = paths.STATE_LOG / f"{image.replace(' ', '-')}-{what}.log"
    run(Command(what=f"{image}: apt {what}", argv=argv, log=log, limit_s=600, cwd=folder))


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


def _unpack(image: str, deb: Path, root: Path) -> None:
    """Unpack files over the merged /usr and keep the package's record where image scanners look for it."""
    with explained(f"{image}: unpacking {deb.name}"):
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
