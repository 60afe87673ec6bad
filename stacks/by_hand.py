"""Pick and run the program for the stack that `pulumi up -s NAME` was called for."""

from pathlib import Path

import pulumi

from infra.errors import SlipwayError
from infra.opened import Folders, Opened
from stacks import environment, model


def run() -> None:
    """Run the program of the current stack: `local` is an environment, `local.digits` a model in it.

    Every model of the environment is read and planned, though one is deployed: whether a GPU is free for it
    depends on the others.
    """
    name, _, wanted = pulumi.get_stack().partition(".")
    config = pulumi.Config()
    folders = Folders(Path(config.get("models") or "models"), Path(config.get("settings") or "stacks"))
    opened = Opened(name, folders)
    try:
        if not wanted:
            environment.program(name, opened.settings)()
            return
        planned = opened.models([wanted])[0]
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from error
    # The engine shows the image's progress itself.
    model.program(opened.settings, planned, lambda _: None)()
