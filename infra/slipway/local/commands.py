"""The commands `slipway local ...`: bring one bare machine's environment up or down, look at it, run commands in it."""

import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from filelock import AcquireReturnProxy, FileLock, Timeout
from rich.console import Console
from rich.table import Table

from slipway.local import bring_up, cluster, shell_env, take_down
from slipway.local.autoscaling import controller as keda
from slipway.local.build import cosign
from slipway.local.cluster import storage
from slipway.local.docker import base_image, base_index, engine, registry
from slipway.local.gateway import controller
from slipway.local.gateway import images as gateway_images
from slipway.local.host import paths
from slipway.local.host.errors import LocalError
from slipway.local.model_store import server as model_store
from slipway.local.monitoring import controller as monitoring
from slipway.local.plugins import stand_in

_INTERRUPTED = 130
_LOCK_LIMIT_S = 3600.0
"""Longer than an `up` takes that builds everything on a small machine."""

_console = Console(stderr=True, emoji=False)


@click.group()
def local() -> None:
    """The group that `slipway` takes its commands from, once one of them is asked for."""


@contextmanager
def guarded() -> Iterator[None]:
    """Run one of the commands: on Linux, past proxies; every error ends in a message and a code.

    Raises:
        SystemExit: 1 for what this machine lacks or a daemon refused, 130 when a person interrupted it.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        require_linux(platform.system())
        # For what is asked here, and for every daemon and program that inherits it.
        os.environ |= shell_env.past_proxies(os.environ)
        yield
    except LocalError as error:
        _console.print(f"error: {error}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        _console.print("interrupted; what is done is kept, the same command goes on from there", highlight=False)
        # Threads of steps may still wait for something with a limit of its own: they are not waited for.
        sys.stderr.flush()
        os._exit(_INTERRUPTED)


def require_linux(system: str) -> None:
    """Raise LocalError unless `system`, as platform.system() says it, can run the cluster and its containers."""
    if system == "Linux":
        return
    name = "macOS" if system == "Darwin" else system
    raise LocalError(
        f"the local environment needs Linux, for containers and bridges, and this machine runs {name}; "
        "next: use Debian 12 or Ubuntu in a VM with 8 GiB of memory and 30 GiB of disk. "
        "Environments elsewhere need none of it: `slipway plan`, `slipway price` and `slipway up` work here"
    )


@local.command()
@click.option("--prepare-only", is_flag=True, help="Bring packages and programs, start nothing.")
def up(*, prepare_only: bool) -> None:
    """Bring what is missing and start everything; run it again at any time, it goes on where it was."""
    with _one_at_a_time():
        bring_up.up(_console, prepare_only=prepare_only)


@local.command()
@click.option("--tools", is_flag=True, help="Remove the built tools and images too.")
def down(*, tools: bool) -> None:
    """Stop everything and remove its state."""
    with _one_at_a_time():
        take_down.down(_console, tools=tools)


@local.command()
def status() -> None:
    """Every part of the environment and how it does; ends with code 1 when one is down."""
    rows = [
        *(cluster.status() if paths.KUBECONFIG.exists() else [("cluster", "down")]),
        ("Docker Engine", engine.status()),
        ("registry", registry.status()),
        ("base image", _base_image_status()),
        ("kubernetes plugin", stand_in.status()),
        *_of_our_cluster(),
    ]
    table = Table("part", "state", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(emoji=False).print(table, highlight=False)
    if any(state in ("down", "not running") for _, state in rows):
        sys.exit(1)


@local.command()
def env() -> None:
    """Print the environment as export lines: eval "$(slipway local env)"."""
    click.echo(shell_env.exports(shell_env.variables(os.environ)), nl=False)


@local.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run a command in the environment: slipway local run -- pulumi stack ls."""
    _execute(list(command))


@local.command("cosign")
def bring_cosign() -> None:
    """Build cosign, for environments whose settings want signatures, and print where it is: minutes, once."""
    with _one_at_a_time(), _console.status("cosign") as status:
        program = cosign.bring(lambda text: status.update(f"cosign: {text}"))
    click.echo(program)


@local.command("base-image")
def bring_base_image() -> None:
    """Make the base image for arm64, too, and print the name that both have in the local registry."""
    with _one_at_a_time(), _console.status("base image") as status:
        image = base_index.push(lambda text: status.update(f"base image: {text}"))
    click.echo(image)


@local.command()
def shell() -> None:
    """Open a shell in the environment."""
    _console.print("plain `pulumi`, `slipway` and `docker` work here; exit leaves it", highlight=False)
    _execute([os.environ.get("SHELL") or "/bin/sh"])


def _execute(command: list[str]) -> None:
    """Become the command, so that its signals and exit code are its own."""
    if not paths.STATE.exists():
        raise LocalError("there is no local environment on this machine yet; `slipway local up` brings it")
    variables = {**os.environ, **shell_env.variables(os.environ)}
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - a command of the person
    except OSError as error:
        raise LocalError(f"cannot run {command[0]}: {error.strerror}") from error


def _of_our_cluster() -> list[tuple[str, str]]:
    """What only a cluster of ours has: one that a person brings has a gateway and volumes of its own, or none."""
    if not paths.KUBECONFIG.exists():
        return []
    return [
        ("volumes", storage.status()),
        ("gateway images", gateway_images.status() if registry.answer() == "registry" else "down"),
        ("gateway", controller.status()),
        ("monitoring", monitoring.status()),
        ("autoscaling", keda.status()),
        ("model store", model_store.status()),
    ]


def _base_image_status() -> str:
    if registry.answer() != "registry":
        return "down"
    digest = base_image.digest_in_registry()
    return f"{base_image.TAG} {digest[:19]}" if digest else "down"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold this machine's lock for changing the environment; a second `up` or `down` waits and says so.

    Raises LocalError when another process holds it for longer than an hour. The kernel frees it if that one dies.
    """
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    file = paths.CACHE / ".lock"
    lock = FileLock(file, timeout=_LOCK_LIMIT_S, fallback_to_soft=False)
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        _console.print(f"waiting for another `up` or `down`; `fuser {file}` names it", highlight=False, soft_wrap=True)
        held = _acquired(lock, file)
    with held:
        yield


def _acquired(lock: FileLock, file: Path) -> AcquireReturnProxy[FileLock]:
    try:
        return lock.acquire()
    except Timeout as error:
        raise LocalError(
            f"waited {_LOCK_LIMIT_S / 60:.0f} min for another `slipway local up` or `down` on this machine; "
            f"nothing was changed; next: `fuser {file}` names it: end it and run this again"
        ) from error


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
