"""The weights of a model in the environment's model store: a component that is there once they are.

As with images, the store itself is the state: it is asked on each run, and nothing in it is deleted with the stack,
because a rollback needs it (docs/adr/0062-how-weights-travel.md).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from slipway.components.off_loop import off_loop, teller
from slipway.values.aliases import Tell


@dataclass(frozen=True)
class StoredWeightsArgs:
    """`upload` brings what is missing, and takes a function for its progress, which `progress` is told, too."""

    upload: Callable[[Tell], None]
    progress: Tell


class StoredWeights(pulumi.ComponentResource):
    """Weights that are in their store. `uploaded` is true then, and in a preview, which uploads nothing."""

    uploaded: pulumi.Output[bool]

    def __init__(self, name: str, args: StoredWeightsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:weights:StoredWeights", name, None, opts)
        loop = asyncio.get_running_loop()
        self.uploaded = pulumi.Output.from_input(loop.create_task(self._upload(args, loop)))
        self.register_outputs({})

    async def _upload(self, args: StoredWeightsArgs, loop: asyncio.AbstractEventLoop) -> bool:
        if pulumi.runtime.is_dry_run():
            return True
        engine = teller(loop, self, "weights: ")

        def tell(text: str) -> None:
            engine(text)
            args.progress(f"weights: {text}")

        try:
            await off_loop(loop, args.upload, tell)
        except OSError as error:
            text = f"weights were not uploaded: {error}; next: check that their files exist and can be read"
            raise pulumi.RunError(f"{text}, then run the command again") from error
        return True
