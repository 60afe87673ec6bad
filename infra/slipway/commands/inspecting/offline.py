"""Commands that need no cluster: validate, plan (but with --live), price, render, schema."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import console
from slipway.capacity.estimates import Cost, monthly
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.cold_start import parts_json, show_parts, starts_of
from slipway.commands.inspecting.fleet import show_fleet_plan
from slipway.commands.inspecting.validating import say_policy
from slipway.committed.check import compare_all
from slipway.environments.planning.fleet import fleet_of
from slipway.environments.planning.kinds import planning
from slipway.errors.base import FileRefused
from slipway.loading.base_image import digest_warning
from slipway.plan.image import ImagePlan
from slipway.plan.traffic import Traffic
from slipway.plan.worth import Worth
from slipway.planner.environment import ModelPlan
from slipway.planner.price import price, today
from slipway.planner.teams import full_pools
from slipway.render.environment import render_environment
from slipway.render.image import dockerfile_of
from slipway.render.model import render_model
from slipway.render.yaml import to_yaml
from slipway.spec.scale import Scale, Scaler
from slipway.values.quantities import format_bytes, format_cpu
from slipway.values.rates import format_price

if TYPE_CHECKING:
    from slipway.deploy.changes import Change


def show_plan(context: EnvironmentContext, names: Sequence[str], *, as_json: bool, live: bool = False) -> None:
    """Print the plan of an environment, or of some models of it. `live`: and what it changes of what is there."""
    fleet = fleet_of(context.settings)
    if fleet is not None:
        show_fleet_plan(context, fleet, names, as_json=as_json)
        return
    models = context.models(names)
    say_policy(context)
    priced = price(context.plan, today())
    found = _changes(context, names) if live else None
    full = full_pools(context.plan)
    starts = starts_of(context) if live else None
    if as_json:
        document = context.plan.select([model.name for model in models]).to_json()
        document |= {"usd": priced.to_json() if priced else None}
        document |= {"fullPools": [pool.to_json() for pool in full]} if full else {}
        if starts is not None:
            parts = {model.name: parts_json(model.estimates.cold_start, starts.get(model.name)) for model in models}
            document |= {"coldStarts": parts}
        console.document(document | ({} if found is None else {"changes": [change.to_json() for change in found]}))
        return
    rows = [
        [
            model.name,
            model.version,
            model.release,
            replicas(model),
            _asked(model),
            model.pool.name,
            _update(model),
            console.duration(model.estimates.cold_start.total_s),
            _from_to(model.estimates.cost),
        ]
        for model in models
    ]
    columns = ("MODEL", "VERSION", "RELEASE", "REPLICAS", "A REPLICA", "POOL", "ROLLOUT", "COLD START", "$/MONTH")
    console.table(columns, rows)
    for model in models:
        for line in _about(model):
            console.result(f"{model.name}: {line}")
    if starts is None:
        console.result(f"cold starts are estimates; `slipway plan {context.name} --live` shows what live replicas took")
    else:
        show_parts([(model.name, model.estimates.cold_start, starts.get(model.name)) for model in models])
    if priced is not None:
        console.result(
            f"{context.name}: ${_from_to(priced.total)} a month in all; `slipway price {context.name}` says for what"
        )
    for line in (line for pool in full for line in pool.lines()):
        console.result(line)
    for line in (line for change in found or () for line in change.lines()):
        console.result(line)
    for warning in advice(context, models):
        console.message(f"warning: {warning}")


def _about(model: ModelPlan) -> Iterator[str]:
    """What no column of the table has room for."""
    own = model.image.own
    said = f"bodies of up to {format_bytes(model.max_body)}" if own is None else own.line()
    yield f"{model.pool.name} is {model.pool_reason[0]}; {said}"
    if model.delivery.worth_saying:
        start = model.estimates.cold_start
        of = f"{console.duration(start.weights_s)} of a cold start of {console.duration(start.total_s)}"
        yield f"{model.delivery.line()}, {of}"
    if model.gated:
        yield _way_in(model.traffic)
    if model.scaler is not None:
        yield _scaling(model.spec.scale, model.scaler)
    yield from model.judged.lines() if model.judged is not None else ()
    worth = Worth.of_plan(model)
    yield from worth.lines(model.name) if worth is not None else ()


def advice(context: EnvironmentContext, models: Sequence[ModelPlan]) -> Iterator[str]:
    """Yield what a person should know of these models, of the environment's settings and of all its models together."""
    for model in models:
        yield from (f"{model.name}: {warning}" for warning in model.warnings)
    yield from map(str, compare_all(context.specs(models), console.message))
    yield from planning(context.settings).warnings(today())
    yield from context.plan.warnings
    unpinned = digest_warning(context.name, context.settings)
    if unpinned:
        yield unpinned


def _changes(context: EnvironmentContext, names: Sequence[str]) -> "list[Change]":
    from slipway.commands.inspecting.changes import changes_of  # noqa: PLC0415 - the cluster's SDK takes half a second

    return changes_of(context, names)


def replicas(model: ModelPlan) -> str:
    """How many replicas a model has, for a table: `2`, or `1-8` where they follow its load."""
    scale = model.spec.scale
    return f"{scale.fewest}-{scale.max}" if model.autoscaled else str(scale.min)


def _update(model: ModelPlan) -> str:
    """How an update replaces pods, in one short cell: `+1/-0`, or the strategy."""
    strategy = model.spec.rollout.strategy
    return f"+{model.rollout.max_surge}/-{model.rollout.max_unavailable}" if strategy == "rolling" else strategy


def _scaling(scale: Scale, scaler: Scaler) -> str:
    """What sets the replicas of a model, by what, and within which limits."""
    target = f"{scale.target.signal} of {scale.target.value:g}" if scale.target is not None else "its schedule"
    replicas = f"{scale.min}-{scale.max} replicas" if scale.max > scale.min else f"replicas: {scale.max}"
    parts = [f"{replicas} by {target} ({scaler})"]
    parts += (f"at least {one.min} from `{one.cron}` until `{one.until}` ({one.timezone})" for one in scale.schedule)
    if scale.to_zero is not None:
        parts.append(f"none after {console.duration(scale.to_zero.after)} without a request")
    parts.append(f"fewer once they have sufficed for {console.duration(scale.cool_down)}")
    return "; ".join(parts)


def _asked(model: ModelPlan) -> str:
    """What one replica gets, in one short cell: `500m 1Gi 1xL4`."""
    resources, gpus = model.spec.resources, model.pool.gpu
    asked = [format_cpu(resources.cpu), format_bytes(resources.memory)]
    if resources.gpu and gpus:
        asked.append(f"{resources.gpu.count if gpus.fraction == 1 else gpus.fraction}x{gpus.model}")
    return " ".join(asked)


def _way_in(traffic: Traffic | None) -> str:
    """Where a model behind a gateway is reached, by whom and how often: `https://... with a key, 100/s each`."""
    if traffic is None:
        return "no route leads to it (endpoint.public)"
    shown = {"api-key": "with a key", "oidc": "with a token", "none": "without credentials"}[traffic.auth]
    price = ", ".join(f"${format_price(usd)} {name.replace('_', ' ')}" for name, usd in traffic.price.items())
    page = "its page without one" if traffic.page else ""
    spoken = f"over gRPC {traffic.grpc.target}" if traffic.grpc is not None else ""
    parts = (f"{traffic.url} {shown}", page, spoken, f"{traffic.rate} each" if traffic.rate else "", price)
    return ", ".join(part for part in parts if part)


def _from_to(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    least, most = f"{monthly(cost.at_min):,.2f}", f"{monthly(cost.at_max):,.2f}"
    return least if least == most else f"{least}-{most}"


def render_all(context: EnvironmentContext, names: Sequence[str], output: Path | None) -> None:
    """Write the manifests of the environment and its models, and each model's Dockerfile, to a folder or stdout."""
    context.refuse_fleet()
    models = context.models(names)
    texts = {"environment.yaml": to_yaml(render_environment(context.plan))}
    for model in models:
        texts[f"{model.name}/manifests.yaml"] = to_yaml(render_model(model, model.image.reference))
        if (dockerfile := _dockerfile(model.image, model.spec.runtime)) is not None:
            texts[f"{model.name}/Dockerfile"] = dockerfile
    write(texts, output)


def _dockerfile(image: ImagePlan, runtime: str) -> str | None:
    """What a model's image is built by; None where it is copied as it is."""
    if image.own is not None:
        return image.own.dockerfile
    return dockerfile_of(runtime, image, image.runtime.reference)


def write(texts: Mapping[str, str], output: Path | None) -> None:
    """Write files into a folder, or those of YAML to standard output, one after the other.

    Raises FileRefused for a folder that cannot be written.
    """
    if output is None:
        console.out.out(
            "".join(text for name, text in texts.items() if name.endswith(".yaml")), end="", highlight=False
        )
        return
    for name, text in texts.items():
        path = output / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            raise FileRefused(
                str(path),
                f"cannot be written: {error.strerror}",
                "a folder that can be written",
                "name another with -o",
            ) from None
        console.result(str(path))
