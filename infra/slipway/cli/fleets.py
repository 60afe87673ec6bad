"""Commands about fleets of devices: devices, and the control side that they ask."""

from pathlib import Path

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JSON, YES, open_environment, with_folders, with_settings
from slipway.commands.project import completion
from slipway.reading.folders import Folders

_DEVICE = click.argument("device")


@cli.group()
def devices() -> None:
    """Devices of a fleet: who may ask what to run, and the key that answers are signed with."""


@devices.command("list")
@ENVIRONMENT
@JSON
@with_settings
def list_them(environment: str, as_json: bool, folders: Folders) -> None:
    """Show the devices of ENV: of the settings, and whether each is enrolled."""
    from slipway.commands.changing.fleet import fleet_settings  # noqa: PLC0415 - not for `--help`
    from slipway.commands.inspecting.fleet import list_devices  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    list_devices(context, fleet_settings(context), as_json=as_json)


@devices.command()
@ENVIRONMENT
@JSON
@with_settings
def counts(environment: str, as_json: bool, folders: Folders) -> None:
    """Show what the devices of ENV let out of their private counts, added, and how far noise may have moved it."""
    from slipway.commands.changing.fleet import fleet_settings  # noqa: PLC0415 - not for `--help`
    from slipway.commands.inspecting.fleet_aggregates import show_aggregates  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    show_aggregates(context, fleet_settings(context), as_json=as_json)


@devices.command()
@ENVIRONMENT
@_DEVICE
@with_settings
def add(environment: str, device: str, folders: Folders) -> None:
    """Print a token with which DEVICE of the settings enrols: alone on standard output, this once.

    A device that was enrolled before needs it, too, and is not answered until it has used it.
    """
    from slipway.commands.changing.fleet import add_device  # noqa: PLC0415 - not for `--help`

    add_device(open_environment(environment, folders, ()), device)


@devices.command()
@ENVIRONMENT
@_DEVICE
@YES
@with_settings
def retire(environment: str, device: str, yes: bool, folders: Folders) -> None:
    """Have DEVICE take every model off itself, and count for no rollout any more."""
    from slipway.commands.changing.fleet import leave_device  # noqa: PLC0415 - not for `--help`
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    leave_device(context, device, revoke=False, options=Options(yes=yes, jobs=1))


@devices.command()
@ENVIRONMENT
@_DEVICE
@YES
@with_settings
def revoke(environment: str, device: str, yes: bool, folders: Folders) -> None:
    """Answer DEVICE nothing any more: it was lost or stolen. What it runs, it goes on running."""
    from slipway.commands.changing.fleet import leave_device  # noqa: PLC0415 - not for `--help`
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    leave_device(context, device, revoke=True, options=Options(yes=yes, jobs=1))


@devices.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_settings
def key(file: Path, folders: Folders) -> None:
    """Make the key that signs what devices run, in a new FILE outside of the project.

    It is encrypted with the password in SLIPWAY_FLEET_PASSWORD.
    """
    from slipway.commands.changing.fleet import make_key  # noqa: PLC0415 - not for `--help`

    make_key(file, folders)


@devices.command()
@ENVIRONMENT
@_DEVICE
@click.option("--since", metavar="TIME", help="Only events of so long, as 30s, 15m or 2h; else the last 100.")
@JSON
@with_settings
def logs(environment: str, device: str, since: str | None, as_json: bool, folders: Folders) -> None:
    """Show the last events of the agent of DEVICE, which sends them with its next report.

    `telemetry` of the settings has to name `logs`. What models are asked and answer is never in them.
    """
    from slipway.commands.changing.fleet import fleet_settings  # noqa: PLC0415 - not for `--help`
    from slipway.commands.inspecting.fleet_logs import show_device_log  # noqa: PLC0415
    from slipway.commands.inspecting.logs import seconds  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    since_s = None if since is None else seconds("--since", since)
    show_device_log(context, fleet_settings(context), device, since_s, as_json=as_json)


@devices.command("introduce-key")
@ENVIRONMENT
@click.argument("file", type=click.Path(path_type=Path))
@with_settings
def introduce_key(environment: str, file: Path, folders: Folders) -> None:
    """Have the devices of ENV take what the key in FILE signs, beside the present one; says who has not heard of it."""
    from slipway.commands.changing.fleet_keys import introduce_key as introduce  # noqa: PLC0415 - not for `--help`

    introduce(open_environment(environment, folders, ()), file)


@devices.command("retire-key")
@ENVIRONMENT
@YES
@with_settings
def retire_key(environment: str, yes: bool, folders: Folders) -> None:
    """Sign with the introduced key, which SLIPWAY_FLEET_KEY names by now; devices of ENV forget the old one."""
    from slipway.commands.changing.fleet_keys import retire_key as retire  # noqa: PLC0415 - not for `--help`
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    retire(open_environment(environment, folders, ()), Options(yes=yes, jobs=1))


@cli.group()
def edge() -> None:
    """The control side of a fleet: what devices ask, and rollouts that are held."""


@edge.command()
@ENVIRONMENT
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8099, show_default=True, help="Port to listen on.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Certificate as PEM; needed beyond loopback.")
@click.option("--certificate-key", type=click.Path(path_type=Path), help="Its private key as PEM.")
@with_settings
def serve(
    environment: str,
    host: str,
    port: int,
    certificate: Path | None,
    certificate_key: Path | None,
    folders: Folders,
) -> None:
    """Answer the devices of ENV until interrupted. It holds no key that signs what they run."""
    from slipway.commands.changing.fleet_serving import serve_fleet  # noqa: PLC0415 - not for `--help`
    from slipway.edge.serving import Listen  # noqa: PLC0415

    context = open_environment(environment, folders, ())
    serve_fleet(context, Listen(host, port, certificate, certificate_key))


@edge.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@with_folders
def pause(environment: str, model: str, folders: Folders) -> None:
    """Open no further ring for MODEL; too many devices that fail still stop it."""
    from slipway.commands.changing.fleet_approval import hold_rollout  # noqa: PLC0415 - not for `--help`

    hold_rollout(open_environment(environment, folders, ()), model, pause=True)


@edge.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@with_folders
def resume(environment: str, model: str, folders: Folders) -> None:
    """Let a paused rollout of MODEL go on: the next `slipway up` does."""
    from slipway.commands.changing.fleet_approval import hold_rollout  # noqa: PLC0415 - not for `--help`

    hold_rollout(open_environment(environment, folders, ()), model, pause=False)


@edge.command()
@ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.option("--ring", metavar="NAME", help="Approve this ring, also before its turn; else the next one.")
@with_folders
def approve(environment: str, model: str, ring: str | None, folders: Folders) -> None:
    """Approve a ring of MODEL with `approval: true`, so that it may open; the next `slipway up` goes on."""
    from slipway.commands.changing.fleet_approval import approve_ring  # noqa: PLC0415 - not for `--help`

    approve_ring(open_environment(environment, folders, ()), model, ring)
