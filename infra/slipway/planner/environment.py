"""Plan an environment: specs and settings -> every name, digest, node pool and bound, as a pure function."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from slipway.artifacts.golden_request import GoldenRequest
from slipway.capacity import gpus
from slipway.capacity.estimates import estimates, node_start_s, stored_s
from slipway.capacity.placement import Placed, Rollout, crowded, place
from slipway.catalog.pod_contract import CAPTURE_FOLDER, LINGER_S
from slipway.delivery.choice import delivery_of, refuse_deliveries
from slipway.delivery.samples import samples_of
from slipway.delivery.ways import Delivery
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Pool
from slipway.errors.base import Place
from slipway.loading.contents import contents_of
from slipway.loading.specs import LoadedSpec
from slipway.loading.variant import Variant
from slipway.plan.code_digests import CodeDigests
from slipway.plan.image import ImageFile, ImagePlan, RuntimeImagePlan
from slipway.plan.model import ModelPlan, Plan
from slipway.plan.release import Origin, digest_of
from slipway.plan.timing import Timing
from slipway.planner.architectures import for_devices, other_images, refuse_architectures
from slipway.planner.capture import refuse_captures
from slipway.planner.drift import refuse_drift
from slipway.planner.fit import slow_on_pool
from slipway.planner.images import image_of
from slipway.planner.own_servers import asked, own_image, own_warnings
from slipway.planner.quality import refuse_quality
from slipway.planner.rollouts import refuse_rollouts, rollout_warnings
from slipway.planner.scaling import refuse_scaling, target_warnings
from slipway.planner.server_config import server_config
from slipway.planner.slo import refuse_slos, slo_warnings
from slipway.planner.teams import beyond_quotas, priority_class, refuse_teams
from slipway.planner.traces import traced, traces_section
from slipway.planner.traffic import refuse_routes, route
from slipway.render.model import render_model
from slipway.runtimes.registry import RUNTIMES
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values import names
from slipway.values.version import version

__all__ = ["ImageFile", "ImagePlan", "ModelPlan", "Plan", "RuntimeImagePlan", "Timing", "plan"]

STOP_MARGIN_S = 5.0
START_BASE_S = 60.0
START_S_PER_GIB = 30.0
PULL_S = 240.0
FETCH_MARGIN = 4
"""Fetching weights takes an estimated time; an update waits so many times as long before it has failed."""
NODE_MARGIN = 2
"""The start of a node is an estimate; an update waits so many times as long before it has failed."""
_NO_RELEASE = ""


def plan(
    environment: str,
    settings: AnySettings,
    loaded: Sequence[LoadedSpec],
    code: Mapping[str, CodeDigests],
    written: Place | None = None,
) -> Plan:
    """Plan all models of an environment.

    Args:
        environment: its name.
        settings: its settings.
        loaded: all specs that are deployed to it: GPUs that one gets, another cannot have.
        code: digests of what Slipway itself adds to images, by runtime.
        written: where the settings are written, for messages that are about them too.

    Raises:
        UserErrors: for each model that no pool can hold, that has no room beside the others, or whose update could
            never finish; for routes that cannot be told apart; for scaling, objectives or drift that the environment
            does not measure; for feedback that it cannot take, and samples that it has no place for; for rollouts that
            it cannot judge; for weights that are to be fetched where there is no model store; for models of no team, or
            beyond their team's quota; for weights that are too large for their GPU; for runtimes without libraries for
            the architecture.
    """
    there = planning(settings).pools
    gateway = planning(settings).gateway
    if gateway is not None:
        refuse_routes(environment, gateway, loaded)
    refuse_architectures(environment, settings, loaded, written)
    loaded = for_devices(environment, settings, loaded)
    refuse_scaling(environment, settings, loaded, written)
    refuse_slos(environment, settings, loaded, written)
    refuse_quality(environment, settings, loaded, written)
    refuse_drift(environment, settings, loaded, written)
    refuse_captures(environment, settings, loaded, written)
    refuse_rollouts(environment, settings, loaded, written)
    refuse_deliveries(environment, settings, loaded, written)
    placed = sorted(place(environment, there, loaded), key=lambda one: one.variant.spec.name)
    gpus.refuse_gpus(environment, loaded, placed)
    refuse_teams(environment, settings, loaded, placed, written)
    digest = _written(settings)
    models = tuple(_model(environment, settings, digest, one, code) for one in placed)
    warnings = (*_crowded(there, models), *beyond_quotas(settings.teams, placed))
    return Plan(environment, settings, models, warnings)


def _crowded(there: Sequence[Pool], models: Sequence[ModelPlan]) -> Iterator[str]:
    for pool in there:
        warning = crowded(pool, [(model.name, model.spec) for model in models if model.pool.name == pool.name])
        if warning is not None:
            yield warning


def _model(
    environment: str, settings: AnySettings, written: str, placed: Placed, code: Mapping[str, CodeDigests]
) -> ModelPlan:
    variant, pool = placed.variant, placed.pool
    spec = variant.spec.model_copy(update={"environments": {}})
    store = planning(settings).model_store(environment, spec.name)
    samples = samples_of(spec.name, spec.capture, store)
    delivery = delivery_of(spec, variant.artifact, store, RUNTIMES[spec.runtime])
    if variant.own is not None:
        image = own_image(environment, settings, variant, variant.own)
    else:
        image = image_of(environment, settings, variant, code, delivery)
    costs = estimates(pool, spec, variant.artifact.size, stored=delivery.stored is not None)
    gateway = planning(settings).gateway
    timing = _timing(variant, pool, placed.rollout, delivery)
    cold_start_s = timing.start_s + node_start_s(pool)
    check = GoldenRequest(
        spec.runtime, variant.request, spec.check.expect, spec.check.timeout, _members(spec), asked(spec)
    )
    # A server of others checks no pass: what it can be reached from is all that protects it.
    gated = gateway is not None and spec.own_server is None
    fenced = gateway is not None and spec.own_server is not None
    draft = ModelPlan(
        environment=environment,
        name=spec.name,
        version=spec.version,
        spec=spec,
        namespace=settings.namespace,
        labels=names.model_labels(environment, spec.name, spec.version, _NO_RELEASE),
        selector=names.selector(spec.name),
        service_type=settings.service_type,
        pool=pool,
        pool_reason=placed.reason,
        rollout=placed.rollout,
        floor_on_spot=placed.floor_on_spot,
        timing=timing,
        estimates=costs,
        image=image,
        delivery=delivery,
        check=check,
        server_config=server_config(variant, check, settings.namespace, pool, gated=gated)
        | traces_section(traced(settings, spec))
        | ({} if samples is None else {"capture": samples.section(CAPTURE_FOLDER)})
        | {"release": _NO_RELEASE},
        release_digest=_NO_RELEASE,
        origin=_origin(written, variant, image),
        contents=contents_of(variant),
        warnings=(
            *gpus.advice(pool, spec),
            *target_warnings(spec),
            *slo_warnings(spec, planning(settings).monitoring),
            *rollout_warnings(spec),
            *slow_on_pool(variant.locked, pool),
            *own_warnings(spec, fenced=fenced),
            *placed.warnings,
        ),
        pull_secret=planning(settings).pull_secret,
        gated=gated,
        fenced=fenced,
        traffic=route(gateway, spec, costs.cost, cold_start_s) if gateway is not None else None,
        monitoring=planning(settings).monitoring,
        priority_class=priority_class(settings, spec.owner),
        locked=variant.locked,
        samples=samples,
        others=other_images(environment, settings, variant, code, delivery),
    )
    return released(draft, release_digest(draft))


def release_digest(model: ModelPlan) -> str:
    """The sha256 over what is applied of a model: its manifests, and all that goes into its image.

    How they were computed is no part of it: a comment in Slipway, a module that moved, a field of the spec that nobody
    uses make no release. The digest itself, which stands in the manifests, is left out.
    """
    draft = released(model, _NO_RELEASE)
    return digest_of(render_model(draft, f"{model.image.repository}@{model.image.inputs_digest}"))


def released(model: ModelPlan, digest: str) -> ModelPlan:
    """The plan with a release digest wherever it stands."""
    return replace(
        model,
        labels=names.model_labels(model.environment, model.name, model.version, digest),
        server_config=model.server_config | {"release": digest},
        release_digest=digest,
    )


def _written(settings: AnySettings) -> str:
    """Digest of the settings as people wrote them: a default that another Slipway has is no change of theirs."""
    return digest_of(settings.model_dump(mode="json", exclude_unset=True, exclude={"models", "slipway"}))


def _origin(settings: str, variant: Variant, image: ImagePlan) -> Origin:
    """What a release is made from; `settings`: their digest, the same for all models."""
    steps = variant.around.files if variant.around is not None else ()
    files = [[file.name, file.sha256] for file in variant.artifact.files]
    files += [[file.name, file.sha256] for file in steps]
    return Origin(
        slipway=version(),
        spec=digest_of(variant.written),
        files=digest_of([files, variant.request]),
        settings=settings,
        image=image.inputs_digest,
    )


def _members(spec: ModelSpec) -> tuple[str, ...]:
    return spec.pipeline.models if spec.pipeline is not None else ()


def _timing(variant: Variant, pool: Pool, how: Rollout, delivery: Delivery) -> Timing:
    start = START_BASE_S + START_S_PER_GIB * variant.artifact.size / 2**30 + variant.spec.check.timeout
    drain_s = variant.spec.rollout.drain
    grace = math.ceil(drain_s + LINGER_S + variant.spec.endpoint.timeout + STOP_MARGIN_S)
    # Where an old pod goes first, its successor waits until it has gone.
    before = NODE_MARGIN * node_start_s(pool) + (0 if how.max_surge else grace)
    fetched = 0 if delivery.stored is None else FETCH_MARGIN * stored_s(delivery.size)
    return Timing(
        start_s=math.ceil(start),
        drain_s=drain_s,
        grace_s=grace,
        deadline_s=math.ceil(start + PULL_S) + before + fetched,
    )
