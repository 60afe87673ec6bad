"""Commands about signatures and what images are made of: sign, sign-image, sbom."""

import click

from slipway.cli.group import cli
from slipway.cli.options import ENVIRONMENT, MODELS, YES, open_environment, with_folders
from slipway.reading.folders import Folders


@cli.command()
@MODELS
@click.option("--key", metavar="KEY", help="Private key: a file outside of the project, env://VARIABLE, or of a KMS.")
@click.option("--check", is_flag=True, help="Sign nothing; verify what is signed, with the public key KEY.")
@with_folders
def sign(models: tuple[str, ...], key: str | None, check: bool, folders: Folders) -> None:
    """Sign the lock of each MODEL, of all that have one without MODEL: models/NAME.lock.sig appears beside it.

    Without --key, SLIPWAY_SIGNING_KEY names the private key; COSIGN_PASSWORD holds its password. Nothing but cosign is
    asked, no network.
    """
    from slipway.commands.artifacts.signatures import check_locks, sign_locks  # noqa: PLC0415 - not for `--help`

    if check:
        check_locks(models, key, folders)
    else:
        sign_locks(models, key, folders)


@cli.command("sign-image")
@ENVIRONMENT
@MODELS
@YES
@with_folders
def sign_image(environment: str, models: tuple[str, ...], yes: bool, folders: Folders) -> None:
    """Sign images that are in the registry already: from before an environment wanted signatures, or of a killed run.

    `slipway up` signs only what it made itself. This vouches for what others pushed, so look at it before.
    """
    from slipway.commands.artifacts.signatures import sign_images  # noqa: PLC0415 - as above
    from slipway.commands.changing.session import Options  # noqa: PLC0415

    sign_images(open_environment(environment, folders, models or None), models, Options(yes=yes, jobs=1))


@cli.command()
@ENVIRONMENT
@click.argument("model")
@with_folders
def sbom(environment: str, model: str, folders: Folders) -> None:
    """Print what the image of MODEL is made of, as CycloneDX in JSON: weights, distributions, code, base image.

    Nothing is scanned: it holds what the plan knows, and says what it does not.
    """
    from slipway.commands.artifacts.bill import show_sbom  # noqa: PLC0415 - as above

    show_sbom(open_environment(environment, folders, [model]), model)
