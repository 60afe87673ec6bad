"""Commands that change an environment or its settings: up, down, rotate, base-image, backup, restore."""

from typing import TYPE_CHECKING

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, JOBS, MODELS, YES, open_environment, with_folders, with_settings
from slipway.errors.base import Place, WrongValue
from slipway.reading.folders import Folders

if TYPE_CHECKING:
    from slipway.backup.manifest import Parts


@cli.command("base-image")
@ENVIRONMENT
@click.option("--check", is_flag=True, help="Change nothing; fail when the registry has another image.")
@with_folders
def base_image(environment: str, check: bool, folders: Folders) -> None:
    """Look up which image the tag of `base_image` names now, and write its digest into ENV's settings.

    This is how security updates arrive: `slipway up` then deploys every model on the new image.
    """
    from slipway.commands.changing.base_image import renew_base_image  # noqa: PLC0415

    renew_base_image(environment, folders, check=check)


@cli.command()
@ENVIRONMENT
@MODELS
@YES
@JOBS
@click.option(
    "--refresh", is_flag=True, help="Compare every stack with what really exists, and correct what others changed."
)
@click.option("--prune", is_flag=True, help="Destroy live models that have no spec any more.")
@click.option("--again", is_flag=True, help="Deploy the models named also where their release was rolled back.")
@click.option("--adopt", metavar="NAMESPACE", help="Use the settings' namespace although others made it.")
@click.option(
    "--detach", is_flag=True, help="Do not wait for a canary: it is judged on in the cluster, and a later up concludes."
)
@with_folders
def up(
    environment: str,
    models: tuple[str, ...],
    yes: bool,
    jobs: int,
    refresh: bool,
    prune: bool,
    again: bool,
    adopt: str | None,
    detach: bool,
    folders: Folders,
) -> None:
    """Deploy an environment and every model that changed, and judge each by its golden request.

    Where a new release fails, what served before is restored; the exit code is then 2. A release with the strategy
    canary or blue-green earns its calls beside the one that serves; interrupted, it is judged on in the cluster.
    """
    from slipway.commands.changing.fleet import bring_up_fleet  # noqa: PLC0415
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.changing.up import bring_up  # noqa: PLC0415
    from slipway.environments.planning.fleet import fleet_of  # noqa: PLC0415

    if again and not models:
        raise click.UsageError("--again is about models that are named: slipway up ENV MODEL --again")
    options = Options(yes=yes, jobs=jobs, refresh=refresh, prune=prune, adopt=adopt, again=again, detach=detach)
    context = open_environment(environment, folders, models or None)
    fleet = fleet_of(context.settings)
    if fleet is not None:
        bring_up_fleet(context, fleet, models, options)
    else:
        bring_up(context, models, options)


@cli.command()
@ENVIRONMENT
@MODELS
@YES
@JOBS
@click.option(
    "--delete-data", multiple=True, metavar="NAME", help="Also delete what holds data under this name: model-store."
)
@click.option(
    "--with-foreign",
    is_flag=True,
    help="On AWS, first delete load balancers and volumes that users made there.",
)
@click.option("--confirm", "confirmed", metavar="ENV", help="Instead of --yes: its name once more.")
@with_folders
def down(
    environment: str,
    models: tuple[str, ...],
    yes: bool,
    jobs: int,
    delete_data: tuple[str, ...],
    with_foreign: bool,
    confirmed: str | None,
    folders: Folders,
) -> None:
    """Destroy models, or without MODEL the whole environment, and prove that nothing is left.

    On AWS, what holds data is retained unless it is named, and is listed by its tag; the exit code is then 2. What
    users made in the cluster and would be left in the account is listed, and nothing is changed (exit code 1).
    """
    from slipway.commands.changing.down import take_down  # noqa: PLC0415
    from slipway.commands.changing.fleet import take_down_fleet  # noqa: PLC0415
    from slipway.commands.changing.session import Options  # noqa: PLC0415
    from slipway.environments.planning.fleet import fleet_of  # noqa: PLC0415

    if with_foreign and models:
        raise click.UsageError("--with-foreign is about a whole environment: slipway down ENV --with-foreign")
    if confirmed not in (None, environment):
        todo = "type the name of the environment that is to be destroyed, twice"
        raise WrongValue(Place("command line"), "--confirm", confirmed, f"is not {environment}", environment, todo)
    yes = yes or confirmed is not None
    options = Options(yes=yes, jobs=jobs, delete_data=delete_data, with_foreign=with_foreign)
    context = open_environment(environment, folders)
    fleet = fleet_of(context.settings)
    if fleet is not None:
        take_down_fleet(context, fleet, models, options)
    else:
        take_down(context, models, options)


@cli.command()
@ENVIRONMENT
@click.argument("pool")
@YES
@with_folders
def rotate(environment: str, pool: str, yes: bool, folders: Folders) -> None:
    """Replace the platform's nodes on AWS: create new ones, then drain and remove the old.

    Models keep serving. A run that was stopped continues when it is run again.
    """
    from slipway.commands.changing.rotate import rotate_pool  # noqa: PLC0415
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    rotate_pool(open_environment(environment, folders), pool, Options(yes=yes, jobs=1))


@cli.command()
@ENVIRONMENT
@click.option(
    "--to", required=True, metavar="FOLDER|URL", help="Where backups are kept: a folder, s3://, gs://, azblob://."
)
@with_settings
def backup(environment: str, to: str, folders: Folders) -> None:
    """Back up what ENV cannot make again: Pulumi's states, history, keys and ledger. Prints where the backup is.

    Secrets in states stay encrypted, and keys are hashes; names of clients and what they called are in it.
    """
    from slipway.commands.changing.backup import back_up  # noqa: PLC0415 - the engine's SDK takes a second

    back_up(open_environment(environment, folders), to)


@cli.command()
@ENVIRONMENT
@click.option("--from", "address", required=True, metavar="BACKUP", help="What `slipway backup` printed.")
@click.option("--only", type=click.Choice(["state", "ledger"]), help="States and history, or keys and ledger, alone.")
@click.option("--overwrite-newer", is_flag=True, help="Lose what was changed since the backup was taken.")
@YES
@with_settings
def restore(
    environment: str, address: str, only: "Parts | None", overwrite_newer: bool, yes: bool, folders: Folders
) -> None:
    """Restore a backup of ENV. It is read whole first; one that was cut off, changed or is of another is refused.

    Where the database of keys is lost, too, states are restored and the exit code is 2: `slipway up ENV --refresh`
    makes it, then the command is run again with `--only ledger`.
    """
    from slipway.commands.changing.backup import restore as run  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.changing.session import Options  # noqa: PLC0415 - as above

    run(
        open_environment(environment, folders), address, only, Options(yes=yes, jobs=1), overwrite_newer=overwrite_newer
    )
