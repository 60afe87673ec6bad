"""Take the local environment away, and say what stays on the machine and how to remove that too."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from slipway.local import apt, cluster
from slipway.local.docker import engine, registry
from slipway.local.host import paths
from slipway.local.host.errors import LocalError
from slipway.local.model_store import server as model_store
from slipway.local.plugins import stand_in


def down(console: Console, *, tools: bool) -> None:
    """Stop everything, remove STATE and, with `tools`, the tool cache.

    Raises:
        LocalError: something could not be stopped or unmounted; its state stays for another try.
    """

    def report(what: str) -> None:
        console.print(f"  {what}", highlight=False, markup=False)

    if paths.STATE.exists():
        left = [*stand_in.stop(), *model_store.stop(), *cluster.stop(report), *registry.stop(), *engine.stop()]
        left += _unmount_all(paths.STATE)
        if left:
            raise LocalError(
                f"these could not be removed: {', '.join(left)}. {paths.STATE} stays; run `slipway local down` again, "
                "or reboot and then run it"
            )
        shutil.rmtree(paths.STATE)
        with contextlib.suppress(OSError):  # others may keep something beside it
            paths.STATE.parent.rmdir()
        console.print("the local environment is gone", highlight=False)
    else:
        console.print("there is no local environment", highlight=False)
    packages = apt.installed_by_us()
    if tools and paths.CACHE.exists():
        shutil.rmtree(paths.CACHE)
    for line in what_stays(_size(paths.CACHE), packages, has_go_cache=_go_cache().exists()):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def what_stays(cache_bytes: int, packages: Sequence[str], *, has_go_cache: bool) -> list[str]:
    """What `down` leaves on purpose, one line each, with the command that removes it."""
    lines = []
    if cache_bytes:
        lines.append(
            f"left: {paths.CACHE} ({cache_bytes / 1e6:.0f} MB of built tools, so that the next start is quick); "
            "remove it with `slipway local down --tools`"
        )
    if has_go_cache:
        lines.append("left: Go's own caches of modules and builds; remove them with `go clean -cache -modcache`")
    if packages:
        names = " ".join(packages)
        lines.append(f"left: Debian packages that were installed for it; `apt-get purge {names}` removes them")
    return lines


def mounts_under(folder: Path, proc_mounts: str) -> list[str]:
    """Mount points in `folder`, deepest first, from the text of /proc/mounts (which writes a blank as \\040)."""
    points = [line.split()[1].encode().decode("unicode_escape") for line in proc_mounts.splitlines() if line]
    return sorted((point for point in points if Path(point).is_relative_to(folder)), reverse=True)


def _unmount_all(folder: Path) -> list[str]:
    """Unmount everything in the folder: removing it must not reach into something mounted there."""
    for point in mounts_under(folder, Path("/proc/mounts").read_text()):
        with contextlib.suppress(subprocess.TimeoutExpired):  # told by its caller, like every other that stays
            subprocess.run(["umount", "-l", point], capture_output=True, timeout=30, check=False)
    return [f"mount {point}" for point in mounts_under(folder, Path("/proc/mounts").read_text())]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*")) if folder.exists() else 0


def _go_cache() -> Path:
    return Path(os.environ.get("GOCACHE") or paths.CACHE.parent / "go-build")
