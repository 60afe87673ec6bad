"""Refuse what a spec says beside a server of others, and Slipway cannot do with one; and the reverse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from slipway.runtimes.others.base import ServerOfOthers
from slipway.spec.custom.clear import is_secret
from slipway.spec.others.server import ARGUMENTS_MOST, Server
from slipway.values.quantities import refusal

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec


def misfits_of_server(spec: "ModelSpec", made: ServerOfOthers | None) -> Iterator[PydanticCustomError]:
    """What does not fit together in what a spec says of a server of others; `made`: what is known of it."""
    if made is None:
        if spec.server is not None:
            problem = f"is given beside runtime: {spec.runtime}, which is no server of others that Slipway configures"
            yield refusal(problem, "server beside triton, mlserver", "remove server", ("server",))
        return
    server = spec.server or Server()
    if server.image is None and made.image is None:
        todo = "write server: {image: NAME@sha256:DIGEST}"
        yield refusal(f"is missing: Slipway builds no image of {made.name}", "an image by digest", todo, ("server",))
    if server.image is not None and not made.takes_images:
        problem = f"is given, and what runs the model in {made.name} is in the image that Slipway builds only"
        yield refusal(problem, "no image", "remove server.image, or write runtime: custom", ("server", "image"))
    if len(server.arguments) > ARGUMENTS_MOST:
        problem = f"has {len(server.arguments)} words"
        yield refusal(problem, f"{ARGUMENTS_MOST} at most", "put them into a file", ("server", "arguments"))
    if any(is_secret("", word) for word in server.arguments):
        problem = "seems to have a secret in clear (it is not shown)"
        todo = "write env: {NAME: {secret: NAME, key: KEY}}, where the server reads it from a variable"
        yield refusal(problem, "arguments without secrets", todo, ("server", "arguments"), hidden=True)
    for key in ("input", "output"):
        if getattr(spec, key):
            problem = f"is given beside runtime: {made.name}, which runs nothing before or after the model"
            yield refusal(problem, f"{key} beside another runtime", f"remove {key}", (key,))
    if spec.artifact is not None and spec.artifact.delivery == "store":
        problem = f"is store, and the image of {made.name} has its weights as a layer"
        yield refusal(problem, "image", "remove delivery", ("artifact", "delivery"))
