"""The image of a model: a component whose one output is a reference by digest.

It is not a custom resource: a dynamic provider would keep pickled Python in the state, differ whenever that
code changes, and start one more process in each run (docs/adr). What it makes lives in the registry under a tag
that is the digest of its inputs, so the registry itself is the state: it is asked on each run, and an image is
never deleted with its stack, because a rollback needs it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from slipway.components.off_loop import off_loop, teller


@dataclass(frozen=True)
class ModelImageArgs:
    """`repository` and `tag` name the image. `digest` looks it up, `ensure` makes it; both may take long.

    `digest` returns `sha256:...` or None; `ensure` takes a function for its progress. `needs`: an output that is known
    once the repository is there, where it is made in the same run.
    """

    repository: str
    tag: str
    digest: Callable[[], str | None]
    ensure: Callable[[Callable[[str], None]], str]
    needs: pulumi.Output[str] | None = None


class ModelImage(pulumi.ComponentResource):
    """An image that is in its registry. `reference` is `repository@sha256:...`; unknown in a preview of a build."""

    reference: pulumi.Output[str]

    def __init__(self, name: str, args: ModelImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:image:ModelImage", name, {"repository": args.repository, "tag": args.tag}, opts)
        # A program runs in the loop of its own language server's thread. It is named here, once, for all that follows:
        # other programs have theirs in other threads of this process.
        loop = asyncio.get_running_loop()
        digest = loop.create_task(self._digest(args, loop))
        self.reference = pulumi.Output(
            resources={self},
            future=loop.create_task(_reference(args.repository, digest)),
            is_known=loop.create_task(_is_known(digest)),
        )
        self.register_outputs({"reference": self.reference})

    async def _digest(self, args: ModelImageArgs, loop: asyncio.AbstractEventLoop) -> str | None:
        """Ask, or build."""
        if args.needs is not None:
            await args.needs.future()
        try:
            if pulumi.runtime.is_dry_run():
                return await off_loop(loop, args.digest)
            return await off_loop(loop, args.ensure, teller(loop, self, f"{args.repository}:{args.tag}: "))
        except OSError as error:
            text = f"image {args.repository}:{args.tag} was not made: {error}; next: check that its files exist"
            raise pulumi.RunError(f"{text} and can be read, then run the command again") from error


async def _reference(repository: str, digest: "asyncio.Future[str | None]") -> str:
    return f"{repository}@{await digest}"


async def _is_known(digest: "asyncio.Future[str | None]") -> bool:
    """Whether there is a digest; a failure counts as known, because `_reference` raises it."""
    try:
        return await digest is not None
    except pulumi.RunError:
        return True
