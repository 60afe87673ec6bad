"""Say what this machine lacks for a local environment: all of it at once, with what to do about each."""

import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.local import apt
from slipway.local.build import pulumi_cli
from slipway.local.docker import engine, registry
from slipway.local.host import paths
from slipway.local.host.errors import LocalError

_GIB = 1 << 30
_BUILD_DISK = 21 * _GIB
"""Go's module and build caches take 14 GiB, what is made from them and its images the rest."""
_RUN_DISK = 3 * _GIB
_BUILD_MEMORY = 6 * _GIB
"""Linking Kubernetes beside a compiler that is given memory for time."""
_RUN_MEMORY = 2 * _GIB
_BESIDE_A_CLUSTER = ("debian-archive-keyring", "git", "make")
"""Of the packages, those that are needed with a cluster of the person's own too: for the base image, and by Go and
the commands of the README."""


@dataclass(frozen=True)
class Facts:
    """What the check knows of a machine."""

    distribution: str
    """PRETTY_NAME of os-release, or empty."""
    has_apt: bool
    is_root: bool
    missing_packages: tuple[str, ...]
    """Debian packages whose programs are not there."""
    has_context: bool
    """A kubeconfig that is not ours has the context that the local settings name."""
    has_docker: bool
    has_pulumi: bool
    has_registry: bool
    tools_built: bool
    free_disk: int
    """Bytes where the cache and the state are, the smaller one."""
    memory: int
    """Bytes."""


@dataclass(frozen=True)
class Missing:
    """One thing that is missing, and what to do about it."""

    what: str
    remedy: str


def look() -> Facts:
    """The facts of this machine."""
    needs = [*apt.NEEDS] if engine.running() else [*apt.NEEDS, apt.DOCKER]
    return Facts(
        distribution=_distribution(),
        has_apt=shutil.which("apt-get") is not None and shutil.which("dpkg") is not None,
        is_root=os.geteuid() == 0,
        missing_packages=tuple(apt.missing(needs)),
        has_context=_has_context(),
        has_docker=engine.running(),
        has_pulumi=pulumi_cli.installed() is not None,
        has_registry=registry.answer() == "registry",
        tools_built=any(paths.CACHE_TOOLS.glob("node-*")),
        free_disk=min(_free(paths.CACHE), _free(paths.STATE)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    )


def lacks(facts: Facts) -> list[Missing]:
    """Everything that keeps a local environment from being brought up, in the order to mend it."""
    return _lacks_beside_a_cluster(facts) if facts.has_context else _lacks_for_all(facts)


def require(facts: Facts) -> None:
    """Raise LocalError when the machine lacks something."""
    found = lacks(facts)
    if found:
        raise LocalError(message(facts, found))


def message(facts: Facts, found: Sequence[Missing]) -> str:
    """What is said to the person: every lack with its remedy, then the other way to get an environment."""
    lines = [f"This machine ({facts.distribution or 'Linux'}) lacks what the local environment needs:"]
    for number, lack in enumerate(found, 1):
        lines += [f"  {number}. {lack.what}", f"     -> {lack.remedy}"]
    if not facts.has_context:
        lines.append(
            f"Or bring your own: a kubeconfig context `{paths.KUBE_CONTEXT}`, a running Docker Engine, Pulumi "
            f">= {pulumi_cli.VERSION} on PATH, and a registry on {registry.ADDRESS} that the cluster pulls from."
        )
    return "\n".join(lines)


def _lacks_for_all(facts: Facts) -> list[Missing]:
    found = []
    packages = " ".join(facts.missing_packages)
    if not facts.is_root:
        found.append(
            Missing(
                "root, for containers, bridges and mounts" + (" and to install packages" if packages else ""),
                "run the same command with sudo, or as root",
            )
        )
    if packages and not facts.has_apt:
        found.append(
            Missing(
                f"programs that Debian has in the packages {packages}, and apt to install them",
                "install these programs with the package manager of this distribution",
            )
        )
    if packages and facts.has_apt and not facts.is_root:
        found.append(Missing(f"Debian packages {packages}", f"sudo apt-get install -y {packages}"))
    return found + _lacks_of_room(facts)


def _lacks_beside_a_cluster(facts: Facts) -> list[Missing]:
    """A cluster of the person's own is there: nothing is installed, so that everything else must be there too."""
    found = []
    packages = " ".join(package for package in facts.missing_packages if package in _BESIDE_A_CLUSTER)
    if not facts.has_apt:
        found.append(
            Missing(
                "apt-get and dpkg, by which the base image is made of Debian's packages",
                "use Debian 12 or Ubuntu, in a VM or a container too",
            )
        )
    if packages:
        found.append(Missing(f"Debian packages {packages}", f"sudo apt-get install -y {packages}"))
    if not facts.has_docker:
        found.append(Missing("a running Docker Engine", "start it; `docker version` must show a server"))
    if not facts.has_pulumi:
        found.append(
            Missing(
                f"Pulumi >= {pulumi_cli.VERSION} with its Python host on PATH",
                "install it: https://www.pulumi.com/docs/install/",
            )
        )
    if not facts.has_registry:
        found.append(
            Missing(
                f"a registry on {registry.ADDRESS}",
                "docker run -d -p 127.0.0.1:5000:5000 --name registry registry:2, and let the cluster pull from it",
            )
        )
    return found


def _lacks_of_room(facts: Facts) -> list[Missing]:
    disk, memory = (_RUN_DISK, _RUN_MEMORY) if facts.tools_built else (_BUILD_DISK, _BUILD_MEMORY)
    found = []
    if facts.free_disk < disk:
        found.append(
            Missing(
                f"disk: {facts.free_disk / _GIB:.1f} GiB free at {paths.CACHE} or {paths.STATE}",
                f"free at least {disk / _GIB:.0f} GiB, or set XDG_CACHE_HOME and XDG_STATE_HOME to a larger disk",
            )
        )
    if facts.memory < memory:
        found.append(
            Missing(f"memory: {facts.memory / _GIB:.1f} GiB", f"give the machine at least {memory / _GIB:.0f} GiB")
        )
    return found


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _has_context() -> bool:
    """In the kubeconfig that kubectl would read; ours is elsewhere, unless this runs inside the environment."""
    if str(paths.KUBECONFIG) in os.environ.get("KUBECONFIG", "").split(os.pathsep):
        return False
    import kubernetes.config  # noqa: PLC0415 - takes most of a second, and only `up` comes here

    try:
        contexts, _ = kubernetes.config.list_kube_config_contexts()  # type: ignore[no-untyped-call]
    except kubernetes.config.ConfigException:
        return False
    return any(context["name"] == paths.KUBE_CONTEXT for context in contexts)


def _free(path: Path) -> int:
    """Free bytes of the file system on which `path` is, or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
