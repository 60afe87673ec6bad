"""Programs for arm64 on this machine: Debian's QEMU, known to the kernel for as long as a block runs."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from slipway.local.host import paths
from tests.support import debian

_RELEASE = "bookworm"
_PACKAGE = "qemu-user-static"
_KERNEL = Path("/proc/sys/fs/binfmt_misc")
_LIMIT_S = 60
_RULE = "usr/lib/binfmt.d/qemu-aarch64.conf"
_PROGRAM = "usr/bin/qemu-aarch64-static"


@contextmanager
def arm64_programs() -> Iterator[None]:
    """Have the kernel start programs for arm64 by QEMU, in containers as well, which need nothing for it.

    It takes root. The rule is the machine's, so that it is taken back, and the file system with it if it was not there.
    A machine that has such a rule already keeps it.
    """
    if _runs_already():
        yield
        return
    tree = _brought()
    mounted = _KERNEL.joinpath("register").exists()
    if not mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "none", _KERNEL], check=True, timeout=_LIMIT_S)
    # Named by a path that is not Debian's: what a package registers meanwhile is another rule. The kernel opens the
    # program now (flag F), so that containers need not have it.
    _, kind, offset, magic, mask, *_ = (tree / _RULE).read_text().strip()[1:].split(":")
    rule = _KERNEL / "slipway-test-aarch64"
    try:
        words = [rule.name, kind, offset, magic, mask, str(tree / _PROGRAM), "OF"]
        (_KERNEL / "register").write_text("".join(f":{word}" for word in words))
        yield
    finally:
        if rule.exists():
            rule.write_text("-1")
        if not mounted:
            subprocess.run(["umount", _KERNEL], check=True, timeout=_LIMIT_S)


def _runs_already() -> bool:
    return any("aarch64" in one.name and one.read_text().startswith("enabled") for one in _KERNEL.glob("*aarch64*"))


def _brought() -> Path:
    """The package, unpacked in this user's cache."""
    tree = paths.CACHE_TOOLS / f"{_PACKAGE}-{_RELEASE}"
    paths.CACHE_TOOLS.mkdir(parents=True, exist_ok=True)
    with FileLock(paths.CACHE_TOOLS / f".{_PACKAGE}.lock", timeout=600):
        if not (tree / _PROGRAM).is_file():
            shutil.rmtree(tree, ignore_errors=True)
            debian.unpack(tree, _RELEASE, _PACKAGE, [f"./{_PROGRAM}", f"./{_RULE}"], leaving=(), alone=True)
    return tree
