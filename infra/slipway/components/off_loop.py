"""Run what takes long in a thread, since the engine's event loop goes on meanwhile, and pass on what it says."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TypeVar

import pulumi

from slipway.errors.base import SlipwayError
from slipway.values.aliases import Tell

T = TypeVar("T")


async def off_loop(loop: asyncio.AbstractEventLoop, call: Callable[..., T], *arguments: object) -> T:
    """Call with the context of the program, which says whose engine is told of the progress.

    Raises:
        pulumi.RunError: the call raised a `SlipwayError`. The engine prints its text alone; of any other error, the
            traceback too.
    """
    context = contextvars.copy_context()
    try:
        return await loop.run_in_executor(None, context.run, call, *arguments)
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from error


def teller(loop: asyncio.AbstractEventLoop, resource: pulumi.Resource, prefix: str = "") -> Tell:
    """What tells the engine, from any thread, how far a resource is."""

    def tell(message: str) -> None:
        loop.call_soon_threadsafe(lambda: pulumi.log.info(f"{prefix}{message}", resource, ephemeral=True))

    return tell
