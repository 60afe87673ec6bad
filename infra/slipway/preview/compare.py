"""Say what an update does to one model: the release that is live and recorded, held against the plan."""

from collections.abc import Sequence

from slipway.capacity.packing import Demand, demand
from slipway.deploy.changes import Change, newer_alone
from slipway.deploy.record import Live
from slipway.deploy.update.judged import is_judged
from slipway.environments.planning.pool import Pool
from slipway.plan.model import ModelPlan, Plan
from slipway.plan.release import Release
from slipway.planner.price import nodes_needed
from slipway.preview.drift import of_pods
from slipway.preview.manifests import manifest_diff
from slipway.preview.model import Downtime, ImageChange, ModelPreview, PoolRoom
from slipway.preview.serving import Serving, planned, recorded
from slipway.values.names import short

_GOLDEN = "its golden request, at its Service"
_GONE = Downtime(False, "`up` leaves it serving, on nodes that no plan counts; `up --prune` destroys it")
_HELD = Downtime(False, "`up` leaves it alone")


def removed_model(change: Change, before: Release | None, pools: Sequence[Pool]) -> ModelPreview:
    """A model that is live and has no spec any more."""
    now = recorded(before, pools) if before is not None else Serving()
    return ModelPreview(change, "-", now, None, _GONE, ("-", ()))


def changed_model(
    model: ModelPlan, change: Change, live: Live | None, before: Release | None, plan: Plan
) -> ModelPreview:
    """A model that `up` deploys, or leaves alone since somebody rolled its release back.

    Args:
        model: its plan.
        change: what `up` does to it.
        live: the model as it is; None where it is not.
        before: the release that is live as it was recorded; None where there is none, or it was never judged right.
        plan: of the environment.
    """
    if before is not None and (live is None or short(before.digest) != live.release):
        before = None
    image = "new" if live is None else _image(before, model)
    diff, unknown = _diff(model, live, before, image)
    now = None if live is None else (recorded(before, plan.pools) if before is not None else Serving())
    held = change.does == "held back"
    return ModelPreview(
        change=change,
        image=image,
        now=now,
        then=planned(model),
        downtime=_HELD if held else _downtime(model, live, before),
        rollout=_rollout(model, live, before),
        verified=() if held else _verified(model, live, before, plan),
        newer_alone=False if live is None else newer_alone(before.origin if before else None, model.origin),
        manifests=diff,
        unknown=unknown,
        drift=of_pods(live),
    )


def _image(before: Release | None, model: ModelPlan) -> ImageChange:
    """An image is known by what goes into it: the registry is not asked."""
    if before is None or before.origin is None:
        return "unknown"
    return "same" if before.origin.image == model.origin.image else "new"


def _diff(
    model: ModelPlan, live: Live | None, before: Release | None, image: ImageChange
) -> tuple[tuple[str, ...] | None, str]:
    """The diff of its manifests, or why it is not known."""
    if live is None:
        return None, "nothing is live: every object is new"
    if before is None:
        return None, "there is no record of what is live"
    try:
        return manifest_diff(before, model, before.image if image == "same" else model.image.reference), ""
    except RecursionError:
        return None, "the record of what is live is nested too deeply"


def _downtime(model: ModelPlan, live: Live | None, before: Release | None) -> Downtime:
    if live is None:
        return Downtime(False, "nothing serves yet")
    if not live.serves:
        return Downtime(True, "what is live does not serve now, until the planned release does")
    if is_judged(model, live, before):
        return Downtime(False, "the new release runs beside the old one until it has all calls")
    return _of_pods(model)


def _of_pods(model: ModelPlan) -> Downtime:
    """Of an update that replaces pods without a judge."""
    how, pool = model.rollout, model.pool.name
    if how.recreate:
        return Downtime(True, "rollout.strategy recreate: all replicas stop before the first new one starts")
    if how.max_surge > 0:
        return Downtime(False, "rolling: a new replica is ready before an old one stops")
    if model.spec.scale.min == 1:
        return Downtime(True, f"pool {pool} has no capacity for a new replica beside the only one, which stops first")
    return Downtime(False, f"rolling, with one replica fewer meanwhile: pool {pool} has no capacity for one more")


def _rollout(model: ModelPlan, live: Live | None, before: Release | None) -> tuple[str, tuple[str, ...]]:
    strategy = model.spec.rollout.strategy
    if model.judged is None:
        return strategy, ()
    if is_judged(model, live, before):
        return strategy, tuple(model.judged.lines())
    if live is None:
        return "rolling", (f"{strategy} from its next release on: there is none yet that it could be judged beside",)
    if before is not None and before.digest == model.release_digest:
        return "rolling", (f"{strategy} judges another release; this is the one that is live",)
    return "rolling", (f"not {strategy}: what is live does not serve, or is not recorded, so that none is judged",)


def _verified(model: ModelPlan, live: Live | None, before: Release | None, plan: Plan) -> tuple[str, ...]:
    found = [_GOLDEN]
    if model.traffic is not None:
        found.append("its golden request at its route, as clients call it")
    if is_judged(model, live, before):
        found.append("its answers beside those of the old release, by the judge")
    asking = [one.name for one in plan.models if model.name in one.check.members]
    return (*found, *(f"the golden request of pipeline {name}, which asks it" for name in asking))


def rooms(plan: Plan) -> tuple[PoolRoom, ...]:
    """How full the pools are on which there is a model."""
    users = {pool.name: [model for model in plan.models if model.pool.name == pool.name] for pool in plan.pools}
    return tuple(_room(pool, users[pool.name]) for pool in plan.pools if users[pool.name])


def _room(pool: Pool, models: list[ModelPlan]) -> PoolRoom:
    least, most = (nodes_needed(pool, models, most=which) for which in (False, True))
    each = [(demand(model.spec.resources), model.spec.scale.max) for model in models]
    gpus = pool.gpu.count if pool.gpu else 0
    whole = Demand(pool.cpu * pool.max_nodes, pool.memory * pool.max_nodes, gpus * pool.max_nodes)
    free = Demand(
        max(0, whole.cpu - sum(one.cpu * count for one, count in each)),
        max(0, whole.memory - sum(one.memory * count for one, count in each)),
        max(0, whole.gpus - sum(one.gpus * count for one, count in each)),
    )
    return PoolRoom(pool.name, least, most, pool.max_nodes, free, whole)
