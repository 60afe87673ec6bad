"""Say which Debian packages are missing, and install them without starting their services."""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.local.host import paths, processes
from slipway.local.host.commands import Command, run
from slipway.local.host.steps import Report

INSTALLED = paths.CACHE / "debian-packages.json"
"""Names of the packages that we installed. In the cache, not the state: they outlive `slipway local down`."""

SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_POLICY = Path("/usr/sbin/policy-rc.d")
_LIMIT_S = 900.0
_CHATTER = ("Selecting ", "Preparing to unpack", "(Reading database", "Hit:", "Reading ")


@dataclass(frozen=True)
class Need:
    """A program that the local environment runs, and the Debian package that brings it."""

    package: str
    any_of: tuple[str, ...]
    """Commands, or absolute paths, any of which shows that it is there."""


NEEDS = (
    Need("containerd", ("containerd",)),
    Need("runc", ("runc",)),
    Need("containernetworking-plugins", ("/usr/lib/cni/ptp",)),
    Need("iptables", ("iptables",)),
    Need("iproute2", ("ip",)),
    Need("docker-registry", ("docker-registry",)),
    Need("git", ("git",)),
    Need("make", ("make",)),
    Need("debian-archive-keyring", ("/usr/share/keyrings/debian-archive-keyring.gpg",)),
)
DOCKER = Need("docker.io", ("dockerd",))


def missing(needs: Sequence[Need]) -> list[str]:
    """The packages to install so that every need is met; sbin folders count even when PATH lacks them."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *SBIN])

    def there(name: str) -> bool:
        return Path(name).exists() if name.startswith("/") else shutil.which(name, path=path) is not None

    return [need.package for need in needs if not any(there(name) for name in need.any_of)]


def install(packages: Sequence[str], report: Report) -> None:
    """Install the packages and write down their names; their services are not started.

    Debian starts a package's service at installation: its registry would listen on every address of the
    machine. A policy-rc.d that refuses this is in place while apt runs, and lapses when this process dies.

    Raises:
        LocalError: apt failed; the message quotes its last lines.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    get = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300")
    own_policy = _refuse_services()
    try:
        report("package lists")
        _apt([*get, "update"], "update", environment, report)
        _apt(["dpkg", "--configure", "-a"], "configure", environment, report)
        _remember(packages)
        _apt([*get, "--no-install-recommends", "install", *packages], "install", environment, report)
    finally:
        if own_policy:
            _POLICY.unlink(missing_ok=True)


def installed_by_us() -> list[str]:
    """The packages that some `up` on this machine installed."""
    try:
        names: list[str] = json.loads(INSTALLED.read_text())
    except FileNotFoundError:
        return []
    return names


def policy_script(pid: int) -> str:
    """A policy-rc.d (Debian's invoke-rc.d asks it) that refuses while the process that is `pid` now lives.

    Boot and start time tell it from another process that gets the same pid after a kill or a power cut.
    """
    start = f"sed 's/.*) //' /proc/{pid}/stat 2>/dev/null | cut -d' ' -f20"
    return f"""\
#!/bin/sh
# slipway: while packages are installed
[ "$(cat /proc/sys/kernel/random/boot_id)" = {processes.boot_id()} ] || exit 0
[ "$({start})" = "{processes.start_time(pid) or "gone"}" ] && exit 101
exit 0
"""


def _refuse_services() -> bool:
    """Put our policy in place, unless the machine has one of its own; say whether ours is there."""
    if _POLICY.exists() and "# slipway:" not in _POLICY.read_text(errors="replace"):
        return False
    _POLICY.write_text(policy_script(os.getpid()))
    _POLICY.chmod(0o755)
    return True


def _remember(packages: Sequence[str]) -> None:
    INSTALLED.parent.mkdir(parents=True, exist_ok=True)
    INSTALLED.write_text(json.dumps(sorted({*installed_by_us(), *packages})))


def _apt(argv: Sequence[str], what: str, environment: dict[str, str], report: Report) -> None:
    def progress(line: str) -> bool:
        if line.startswith(("Get:", "Unpacking ", "Setting up ")):
            report(" ".join(line.split()[:4]))
            return True
        return line.startswith(_CHATTER)

    run(
        Command(
            what=f"apt {what}",
            argv=argv,
            env=environment,
            log=paths.STATE_LOG / f"apt-{what}.log",
            limit_s=_LIMIT_S,
            progress=progress,
            on_failure="Look at apt's own message above; `apt-get update && apt-get -f install` by hand may help.",
        )
    )
