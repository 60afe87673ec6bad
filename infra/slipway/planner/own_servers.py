"""Plan models whose image brings its own server: the image, where it is asked, and what a person should know of it."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.artifacts.golden_request import Asked
from slipway.dockerfile.context import ContextFile
from slipway.environments.planning.kinds import planning
from slipway.loading.custom import WEIGHTS_CONTEXT, OwnImage
from slipway.loading.variant import Variant
from slipway.plan.image import ImageFile, ImagePlan, OwnImagePlan
from slipway.plan.release import digest_of
from slipway.render.image import render_own_dockerfile
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import Wanted
from slipway.settings.base import AnySettings
from slipway.spec.custom.image import Custom
from slipway.spec.model import ModelSpec
from slipway.spec.others.own import server_of_others
from slipway.values import names


def own_image(environment: str, settings: AnySettings, variant: Variant, own: OwnImage) -> ImagePlan:
    """Plan the image of a model that brings its own server: copied as it is, or with something added, or built.

    Raises:
        LookupError: the spec brings none.
    """
    spec = variant.spec
    custom = _custom(variant)
    files = carried(variant, WEIGHTS_CONTEXT, WEIGHTS_FOLDER)
    context: Mapping[str, ContextFile] = own.context.files if own.context is not None else {}
    dockerfile = None
    if own.context is not None or files or custom.command is not None:
        written = own.context.dockerfile if own.context is not None else f"FROM {custom.image}\n"
        dockerfile = render_own_dockerfile(
            written, custom.command, (WEIGHTS_CONTEXT, WEIGHTS_FOLDER) if files else None
        )
    build = custom.build
    below = OwnImagePlan(
        source=custom.image,
        dockerfile=dockerfile,
        context=context,
        args=build.args if build is not None else {},
        network=build.network if build is not None else False,
        architecture=spec.resources.architecture,
    )
    digest = digest_of([below.made_of, [[file.image_path, file.digests] for file in files]])
    repository = planning(settings).image_repository(environment, spec.name)
    return ImagePlan(repository, names.short(digest), below, files, digest)


def carried(variant: Variant, context: str, folder: str) -> tuple[ImageFile, ...]:
    """The weights as a layer of the image, and what tells a server of others what to do with them.

    Args:
        variant: what is served.
        context: their folder in the build context.
        folder: theirs in the image.
    """
    made, wanted, files = server_of_others(variant.spec.runtime), wanted_of(variant), []
    for file in variant.artifact.files:
        name = file.name
        if made is not None:
            beside = made.weights_path(wanted).rpartition("/")[0]
            name = f"{beside}/{file.name}" if beside else file.name
        files.append(ImageFile(f"{context}/{name}", f"{folder}/{name}", file.path, {"": file.sha256}))
    for name, text in sorted(made.files(wanted).items()) if made is not None else ():
        digest = hashlib.sha256(text.encode()).hexdigest()
        files.append(ImageFile(f"{context}/{name}", f"{folder}/{name}", Path(), {"": digest}, text))
    return tuple(files)


def wanted_of(variant: Variant) -> Wanted:
    """What a server of others is to serve."""
    spec, server, batching = variant.spec, variant.spec.server, variant.spec.batching
    return Wanted(
        name=spec.name,
        weights=variant.artifact.files[0].name if variant.artifact.files else "",
        signature=variant.artifact.signature,
        max_rows=1 if batching.enabled is False else batching.max_rows,
        max_wait_s=batching.max_wait,
        threads=max(1, math.ceil(spec.resources.cpu / 1000)),
        timeout_s=spec.endpoint.timeout,
        built=server is None or server.image is None,
        extra=() if server is None else server.arguments,
    )


def asked(spec: ModelSpec) -> Asked | None:
    """Where a model's own server takes the golden request; None for Slipway's server."""
    server = spec.own_server
    return None if server is None else Asked(server.port, server.predict)


def own_warnings(spec: ModelSpec, *, fenced: bool) -> Iterator[str]:
    """What a person should know of an image that brings its own server, and of what it may connect to."""
    server, made = spec.own_server, server_of_others(spec.runtime)
    if server is None:
        return
    if made is not None and spec.server is not None and spec.server.image is not None:
        yield f"server.image: {spec.runtime} in an image of its makers is rendered only: nobody has seen it answer yet"
    if fenced:
        who = "the gateway" if spec.endpoint.public else "pods of its own namespace"
        yield (
            f"{spec.runtime}: its server checks no pass; a NetworkPolicy lets only {who} connect, which counts only "
            "where the cluster's network plugin enforces it"
        )
    if spec.custom is not None and spec.custom.build is not None and spec.custom.build.network:
        yield "custom.build.network: what a build fetches is no part of the release; the same files may build another"
    for one in spec.egress:
        if one.network is None:
            yield (
                f"egress: rules of networks know no names: pods may connect to any address at port {one.port}, for "
                f"{one.host}"
            )


def _custom(variant: Variant) -> Custom:
    """What a spec says of its image; of a server of others, in the same terms."""
    spec, made = variant.spec, server_of_others(variant.spec.runtime)
    if spec.custom is not None:
        return spec.custom
    if made is None or spec.server is None or spec.server.image is None:
        raise LookupError(f"{spec.name} has no image with its own server")
    return Custom(image=spec.server.image, command=(*made.program, *made.arguments(wanted_of(variant))))
