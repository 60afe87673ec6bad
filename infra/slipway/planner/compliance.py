"""Check a plan against the policy before anything is deployed: refusals, warnings and exceptions.

Rules about Kubernetes objects run over the manifests as they will be applied, by the functions that the policy pack
runs over the engine's resources. Rules about money, spot nodes and regions need the plan, and are here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from slipway.capacity.estimates import monthly
from slipway.capacity.packing import Load, Nodes, demand, part
from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError, shown
from slipway.loading.settings import CONFIG_KEY
from slipway.loading.specs import LoadedSpec
from slipway.planner.environment import ModelPlan, Plan
from slipway.planner.price import price
from slipway.policy.kubernetes import is_latest
from slipway.policy.resource import of_manifests
from slipway.policy.resources import violations
from slipway.policy.rules import BY_ID, Rule
from slipway.reading.findings import dotted
from slipway.reading.yaml_document import Document, FieldPath
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model


class RuleBroken(UserError):
    """A plan breaks a rule: the message names it, and how a model is excepted from it where one can be."""

    def __init__(self, place: Place, field: str | None, problem: str, rule: Rule, allowed: str, todo: str) -> None:
        if rule.about == "model":
            todo += f", or say in the spec why it may be so: exceptions: {{{rule.id}: WHY}}"
        super().__init__(place, field, f"{problem} (rule {rule.id})", allowed, todo)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Compliance:
    """The result of checking a plan: findings that refuse it, and warnings."""

    refused: tuple[UserError, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Broken:
    """A rule that is broken by a model, or by the environment for None; `path`: of the spec or of the settings."""

    rule: str
    model: str | None
    path: FieldPath
    problem: str
    allowed: str
    todo: str


def comply(plan: Plan, specs: Sequence[LoadedSpec], settings: Document, on: date) -> Compliance:
    """Check a plan against every rule.

    Args:
        plan: of a whole environment: what a budget pays for and what spot nodes hold depends on all of its models.
        specs: what it was made from.
        settings: the file of its settings, for the lines of findings.
        on: the day whose prices count.
    """
    broken = [*_manifests(plan), *_latest(plan), *_spot_floor(plan), *_residency(plan), *_budget(plan, on)]
    excepted = {(model.name, rule) for model in plan.models for rule in model.spec.exceptions}
    located = {spec.name: spec for spec in specs}
    refused, warnings = [], []
    for one in broken:
        if (one.model, one.rule) in excepted:
            continue
        place, field = _where(plan.environment, located, settings, one)
        rule = BY_ID[one.rule]
        if rule.mandatory:
            refused.append(RuleBroken(place, field, one.problem, rule, one.allowed, one.todo))
        else:
            warnings.append(f"{place}: {field}: {one.problem} (rule {rule.id}); next: {one.todo}")
    for model, id_ in sorted(excepted - {(one.model, one.rule) for one in broken}):
        place, field = located[model].locate(plan.environment, ("exceptions", id_))
        warnings.append(
            f"{place}: {field}: is not needed in {plan.environment}, where {model} complies with that rule; "
            "next: remove it, or write it into the environments that need it"
        )
    return Compliance(tuple(refused), tuple(warnings))


def _where(
    environment: str, located: dict[str, LoadedSpec], settings: Document, one: _Broken
) -> tuple[Place, str | None]:
    if one.model is not None:
        place, field = located[one.model].locate(environment, one.path)
        return place, field or None
    path = ("config", CONFIG_KEY, *one.path)
    return settings.place(path), dotted(path)


_Words = tuple[FieldPath, str, str]
_TEMPLATES: _Words = ((), "manifests that comply with it", "correct templates/kubernetes")
_CHOSEN: Mapping[str, _Words] = {
    "public-auth": (("endpoint", "auth"), "api-key or oidc", "write auth: api-key"),
    "public-endpoint-key": ((), "models behind a gateway", "write gateway into the settings, not service_type"),
}
"""Field, what is allowed, and what to do, by rule: where a person's own choice breaks it, and no template does."""


def _manifests(plan: Plan) -> Iterator[_Broken]:
    """Violations in the objects as they will be applied; templates cause them, not a field of a spec."""
    rendered = [(model.name, render_model(model, placeholder_image(model))) for model in plan.models]
    for model, manifests in [(None, render_environment(plan)), *rendered]:
        for rule, resource, problem in violations(list(of_manifests(manifests))):
            text = f"{resource.kind} {resource.name}: {problem}"
            path, allowed, todo = _CHOSEN.get(rule.id, _TEMPLATES)
            yield _Broken(rule.id, model, path, text, allowed, todo)


def _latest(plan: Plan) -> Iterator[_Broken]:
    image = plan.settings.base_image
    if is_latest(image):
        problem = f"{shown(image)} names whatever image the registry has under that tag today"
        allowed, todo = "a tag that is never moved, or a digest", "write the tag of a version, or @sha256:..."
        yield _Broken("no-latest-tag", None, ("base_image",), problem, allowed, todo)


def _spot_floor(plan: Plan) -> Iterator[_Broken]:
    """Models of each spot pool whose minimum replicas do not fit on its on-demand nodes; exempted ones go last."""
    for pool in {model.pool.name: model.pool for model in plan.models if model.pool.spot}.values():
        nodes = Nodes(pool, pool.on_demand_nodes)
        bound = [model for model in plan.models if model.pool.name == pool.name]
        loads = {model.name: Load(model.name, demand(model.spec.resources), model.spec.scale.fewest) for model in bound}

        def order(model: ModelPlan) -> tuple[bool, int, float, str]:
            each = loads[model.name].each  # noqa: B023 - used in this round only
            return "spot-floor" in model.spec.exceptions, -each.gpus, -float(part(each, model.pool)), model.name

        for model in sorted(bound, key=order):
            load = loads[model.name]
            held = nodes.put(load.each, load.replicas)
            if held < load.replicas:
                has = f"{pool.on_demand_nodes} of its nodes {'is' if pool.on_demand_nodes == 1 else 'are'} on-demand"
                beside = "" if len(bound) == 1 else f" beside {', '.join(m.name for m in bound if m is not model)}"
                problem = (
                    f"{load.replicas} {'replica' if load.replicas == 1 else 'replicas'} must always run, but pool "
                    f"{pool.name} is spot: {has}, with capacity for {held}{beside}"
                )
                allowed = f"minimum replicas that fit on the on-demand nodes of pool {pool.name}"
                todo = f"raise spot.on_demand_nodes of pool {pool.name} in the settings of {plan.environment}"
                yield _Broken("spot-floor", model.name, ("scale", "min"), problem, allowed, todo)


def _residency(plan: Plan) -> Iterator[_Broken]:
    """Models whose pool, or the store of their weights, is not in the region that their spec names."""
    here = planning(plan.settings).region
    for model in plan.models:
        data = model.spec.data
        if data is None:
            continue
        for what, region in (("pool " + model.pool.name, model.pool.region), ("the model store", here)):
            if region != data.region:
                problem = f"{shown(data.region)} is not the region of {what}, which is in {region or 'no known region'}"
                todo = f"deploy {model.name} to an environment in {data.region} (`models` of the settings)"
                yield _Broken(
                    "data-residency", model.name, ("data", "region"), problem, f"an environment in {data.region}", todo
                )


def _budget(plan: Plan, on: date) -> Iterator[_Broken]:
    """Compare the monthly cost of the environment with its budget.

    At rest the expected price counts, spot where there is spot: what exceeds the budget then, always does. At the
    largest all nodes count as on-demand: the most that a month can cost, which is worth knowing and no error.
    """
    priced = price(plan, on)
    if priced is None:
        return
    total, path, allowed = priced.total, ("budget", "monthly_usd"), "a budget that covers it"
    rest, most = monthly(total.spot_at_min or total.at_min), monthly(total.at_max)
    where = f"`slipway price {plan.environment}` lists what it is spent on"
    if rest > priced.budget_usd:
        least = f"the {rest:.0f} USD that all models cost with their fewest replicas"
        problem = f"{priced.budget_usd} USD a month is less than {least}"
        yield _Broken("budget-at-rest", None, path, problem, allowed, f"raise it or ask for less; {where}")
    elif most > priced.budget_usd:
        problem = (
            f"{priced.budget_usd} USD a month is less than the {most:.0f} USD that all models could cost at scale.max"
        )
        yield _Broken("budget-at-maximum", None, path, problem, allowed, f"raise it or lower max_nodes; {where}")
