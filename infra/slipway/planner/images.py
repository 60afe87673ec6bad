"""Plan a model's image: what is in it, on which image it stands, and the digest of all that."""

from collections.abc import Iterator, Mapping

from slipway import installation
from slipway.artifacts.around import CONTEXT_FOLDER, IMAGE_FOLDER
from slipway.catalog.pod_contract import FETCHING, FETCHING_FOLDER
from slipway.delivery.ways import Delivery
from slipway.environments.planning.kinds import planning
from slipway.loading.variant import Variant
from slipway.plan.code_digests import FETCHING_REQUIREMENTS, TRACES, CodeDigests
from slipway.plan.image import ImageFile, ImagePlan, RuntimeImagePlan, Wheels
from slipway.plan.release import digest_of
from slipway.planner.own_servers import carried
from slipway.planner.traces import traced, traces_wheels
from slipway.render.image import render_dockerfile, render_runtime_dockerfile
from slipway.runtimes.base import CUDA, GRPC, TEXT
from slipway.runtimes.registry import recipe
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values import names


def image_of(
    environment: str, settings: AnySettings, variant: Variant, of: Mapping[str, CodeDigests], delivery: Delivery
) -> ImagePlan:
    """Plan the image of a model that Slipway's own server serves. `of`: digests of the code, by runtime and part."""
    made, code = recipe(variant.spec.runtime), of[variant.spec.runtime]
    fetched, capturing = delivery.stored is not None, variant.spec.capture is not None
    by_pod = delivery.stored is not None and not delivery.stored.store.by_agent
    weights = () if fetched else carried(variant, "model", made.weights)
    # The client of the store is the same for those that read and those that write there.
    client, wheels = _fetching(of[FETCHING]) if by_pod or capturing else ((), None)
    package = made.package
    source = installation.package(package)
    server = ImageFile(f"server/{package}", f"/opt/slipway/server/{package}", source, code.server)
    repository = planning(settings).image_repository(environment, variant.spec.name)
    runtime = _runtime(environment, settings, variant, code)
    steps = tuple(_step_files(variant))
    files = (*client, *weights, *steps, server)
    traces = traces_wheels(of[TRACES]) if traced(settings, variant.spec) is not None else None
    dockerfile = render_dockerfile(
        variant.spec.runtime,
        runtime.reference,
        fetching=wheels is not None,
        carried=not fetched,
        steps=bool(steps),
        capturing=capturing,
        traces=traces is not None,
    )
    made_of = [instructions(dockerfile), [[file.image_path, file.digests] for file in files]]
    made_of += [[one.image_path, one.digest] for one in (wheels, traces) if one is not None]
    digest = digest_of(made_of)
    return ImagePlan(
        repository, names.short(digest), runtime, files, digest, wheels=wheels, traces=traces, capturing=capturing
    )


def _fetching(code: CodeDigests) -> tuple[tuple[ImageFile, ...], Wheels]:
    """What fetches the weights when a pod starts, in their place: its code, and its locked wheels."""
    file = ImageFile(
        f"{FETCHING}/code/{FETCHING}", f"{FETCHING_FOLDER}/code/{FETCHING}", installation.package(FETCHING), code.server
    )
    requirements = installation.resource(FETCHING_REQUIREMENTS)
    return (file,), Wheels(f"{FETCHING}/deps", f"{FETCHING_FOLDER}/deps", requirements, code.requirements)


def _step_files(variant: Variant) -> Iterator[ImageFile]:
    """What stands before and after the model reads these."""
    for file in variant.around.files if variant.around is not None else ():
        context, image = f"{CONTEXT_FOLDER}/{file.name}", f"{IMAGE_FOLDER}/{file.name}"
        yield ImageFile(context, image, file.path, {"": file.sha256})


def _runtime(environment: str, settings: AnySettings, variant: Variant, code: CodeDigests) -> RuntimeImagePlan:
    architecture, made = variant.spec.resources.architecture, recipe(variant.spec.runtime)
    dockerfile = instructions(render_runtime_dockerfile(variant.spec.runtime, settings.base_image, architecture))
    extras = extras_of(variant.spec)
    requirements_digest = code.requirements_with(extras)
    digest = digest_of([dockerfile, requirements_digest, architecture])
    return RuntimeImagePlan(
        repository=planning(settings).image_repository(
            environment, names.runtime_repository(made.shared or variant.spec.runtime)
        ),
        tag=names.short(digest),
        base_image=settings.base_image,
        architecture=architecture,
        requirements=installation.resource(made.requirements_with(extras)),
        requirements_digest=requirements_digest,
        platform=made.platform(architecture),
    )


def extras_of(spec: ModelSpec) -> tuple[str, ...]:
    """What a model needs beside the libraries of all models, in the order of names."""
    takes_text = spec.input is not None and spec.input.text is not None
    needed = {CUDA: spec.computes_on_gpu, TEXT: takes_text, GRPC: spec.endpoint.grpc}
    return tuple(sorted(extra for extra in recipe(spec.runtime).extras if needed[extra]))


def instructions(dockerfile: str) -> list[str]:
    """The parts of a Dockerfile that affect the image: comments do not."""
    return [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
