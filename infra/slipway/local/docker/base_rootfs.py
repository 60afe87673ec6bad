"""Make the base image's file system: Debian's Python and what it needs, byte-compiled."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from slipway.local.docker import debian_rootfs, image_archive
from slipway.local.host import paths
from slipway.local.host.commands import Command, run
from slipway.local.host.steps import Report

_PACKAGES = debian_rootfs.Packages(
    what="base image",
    # libpython3.11: Triton's Python backend links with Python, which is no shared library in Debian's python3.
    # libstdc++6: manylinux wheels of numpy and onnxruntime expect the system to have it.
    with_dependencies=("python3", "libpython3.11", "libstdc++6"),
    alone=("base-files", "dash", "tzdata"),
)


def build(layer: Path, report: Report, architecture: str | None = None) -> None:
    """Write the file system as a layer, of this machine's architecture where none is named.

    Raises:
        LocalError: a package could not be fetched or checked, or the Python in it does not run.
    """
    layer.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".base-", dir=layer.parent) as scratch:
        own = _unpacked(None, Path(scratch) / "own", report)
        root = own if architecture is None else _unpacked(architecture, Path(scratch) / architecture, report)
        report("compiling Python's library")
        _compile(own, root)
        image_archive.write_layer(layer, root, sticky=("tmp", "var/tmp"))


def _unpacked(architecture: str | None, folder: Path, report: Report) -> Path:
    folder.mkdir()
    return debian_rootfs.unpack(replace(_PACKAGES, architecture=architecture), folder, report)


def _compile(own: Path, root: Path) -> None:
    """Byte-compile the library: a read-only container could not do it at its start.

    The interpreter of `own`, which this machine can run, goes through its own loader, so that this needs no chroot; it
    is the same release of Python as that in `root`, and bytecode is of no architecture. Hash-based files do not depend
    on times. For this machine's own image this is the check as well that the Python in it runs.
    """
    loader = next((own / "usr").glob("lib*/**/ld-linux-*.so.*"))
    libraries = ":".join(str(path) for path in (own / "usr" / "lib").glob("*-linux-gnu"))
    python = own / "usr" / "bin" / "python3.11"
    library = root / "usr" / "lib" / "python3.11"
    compile_all = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    names = ("-s", root, "-p", "/")
    run(
        Command(
            what="base image: its Python",
            argv=[loader, "--library-path", libraries, python, "-I", *compile_all, *names, library],
            env={"PYTHONHOME": str(own / "usr"), "PATH": os.defpath},
            log=paths.STATE_LOG / "base-image-compile.log",
            limit_s=300,
        )
    )
