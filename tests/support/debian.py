"""Debian packages unpacked into a folder, with all that they depend on, without installing anything."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from slipway.local.host import apt_sources


def unpack(
    tree: Path, release: str, package: str, wanted: Sequence[str], *, leaving: tuple[str, ...], alone: bool = False
) -> None:
    """Unpack the files of a package that match `wanted`, patterns of tar, into `tree`, which must not be there.

    Args:
        tree: the folder to make.
        release: of Debian, `bookworm`.
        package: its name.
        wanted: patterns of tar.
        leaving: beginnings of the names of packages that are not unpacked.
        alone: without what it depends on.
    """
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=tree.parent) as name:
        scratch = Path(name)
        (scratch / "sources.list").write_text(apt_sources.render(apt_sources.for_debian(release, apt_sources.read())))
        (scratch / "status").touch()
        archives = scratch / "cache/archives"
        for part in ("cache/archives/partial", "state/lists/partial", "root/usr/lib", "root/usr/bin"):
            (scratch / part).mkdir(parents=True)
        for link in ("lib", "bin"):
            (scratch / "root" / link).symlink_to(f"usr/{link}")
        settings = {
            "Dir::Etc::sourcelist": scratch / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State": scratch / "state",
            "Dir::State::status": scratch / "status",
            "Dir::Cache": scratch / "cache",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"
        get = ["apt-get", "-q", "-y", *(part for item in settings.items() for part in ("-o", "{}={}".format(*item)))]
        bring = ["download", package] if alone else ["--download-only", "install", package]
        for words in (["update"], bring):
            done = subprocess.run(
                [*get, *words], cwd=archives, capture_output=True, text=True, check=False, timeout=600
            )
            assert done.returncode == 0, f"apt-get {words}: {done.stderr[-2000:]}"
        for file in sorted(archives.glob("*.deb")):
            if not file.name.startswith(leaving):
                _unpack(file, scratch / "root", wanted)
        (scratch / "root").rename(tree)


def _unpack(file: Path, root: Path, wanted: Sequence[str]) -> None:
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", file], capture_output=True, timeout=120, check=True)
    subprocess.run(
        ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", root, "--wildcards", *wanted],
        input=tar.stdout,
        capture_output=True,
        timeout=120,
        check=False,  # tar says that a package has nothing of what is wanted
    )
