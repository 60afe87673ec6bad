"""Hold models against the teams of their environment: each has one, within whose quota is what it always runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipway.capacity.full_pool import Contender, FullPool, full_pool
from slipway.capacity.packing import Demand, demand
from slipway.capacity.placement import Placed
from slipway.errors.base import Place, UserError, UserErrors, WrongValue, nearest
from slipway.loading.specs import LoadedSpec, said_settings
from slipway.plan.model import ModelPlan, Plan
from slipway.settings.base import AnySettings
from slipway.settings.teams import Quota, Team
from slipway.spec.model import ModelSpec
from slipway.values import names
from slipway.values.quantities import format_bytes, format_cpu

_NOTHING = Demand(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a quota allows of one thing: `field` of the settings, `most` in its unit, and the same for people."""

    field: str
    most: int
    text: str

    def used(self, each: Demand) -> int:
        """What of it is asked for."""
        return {"cpu": each.cpu, "memory": each.memory, "gpus": each.gpus}[self.field]

    def shown(self, amount: int) -> str:
        """An amount of it, for people."""
        return _shown(self.field, amount)


def priority_class(settings: AnySettings, owner: str) -> str | None:
    """The PriorityClass of an owner's models; None where the settings have no teams."""
    if settings.teams is None:
        return None
    return names.priority_class(settings.namespace, owner, settings.teams[owner].priority)


def limits(quota: Quota | None) -> tuple[Limit, ...]:
    """What a quota limits."""
    if quota is None:
        return ()
    written = {"cpu": quota.cpu, "memory": quota.memory, "gpus": quota.gpus}
    return tuple(Limit(field, most, _shown(field, most)) for field, most in written.items() if most is not None)


def most_replicas(spec: ModelSpec, team: Sequence[ModelSpec], quota: Quota | None) -> int:
    """For how many replicas of a model its team's quota is enough beside the minimum of the team's other models.

    Never more than its `scale.max`; `team`: all of the team's models.
    """
    each, beside = demand(spec.resources), _sum((other, other.scale.min) for other in team if other is not spec)
    held = [(limit.most - limit.used(beside)) // limit.used(each) for limit in limits(quota) if limit.used(each)]
    return max(0, min([spec.scale.max, *held]))


def refuse_teams(
    environment: str,
    settings: AnySettings,
    loaded: Sequence[LoadedSpec],
    placed: Sequence[Placed],
    written: Place | None,
) -> None:
    """Refuse models that have no team, and those whose minimum replicas and an update's surge are beyond a quota.

    A model without a team would escape every quota by a slip of the pen in its `owner`.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        placed: the same models, with how their updates roll.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: with each such model.
    """
    teams = settings.teams
    if teams is None:
        return
    where = said_settings(environment, written)
    located = {one.name: one for one in loaded}
    found: list[UserError] = []
    for one in placed:
        spec = one.variant.spec
        if spec.owner not in teams:
            place, field = located[spec.name].locate(environment, ("owner",))
            near = nearest(spec.owner, list(teams))
            add = f"add it to `teams` in {where}"
            problem = f"is no team of {environment}, so that it has neither priority nor quota there"
            todo = f"write {near}, or {add}" if near else add
            found.append(WrongValue(place, field, spec.owner, problem, ", ".join(teams), todo))
            continue
        team = [other.variant.spec for other in placed if other.variant.spec.owner == spec.owner]
        short = _short(one, team, teams[spec.owner].quota)
        if short:
            found.append(_beyond(located[spec.name], environment, one, team, short, where))
    if found:
        raise UserErrors(found)


def _floor(spec: ModelSpec) -> tuple[int, tuple[str | int, ...]]:
    """The most replicas that a model runs whatever its load is, and the path of the field that says so."""
    floors = [(floor.min, ("scale", "schedule", index, "min")) for index, floor in enumerate(spec.scale.schedule)]
    least: tuple[int, tuple[str | int, ...]] = (spec.scale.min, ("scale", "min"))
    return max([least, *floors], key=lambda one: one[0])


def _needed(placed: Placed, team: Sequence[ModelSpec]) -> Demand:
    """What a model takes that is updated while it is at its floor, beside the minimum of its team's other models."""
    spec = placed.variant.spec
    others = [(one, one.scale.min) for one in team if one is not spec]
    return _sum([*others, (spec, _floor(spec)[0] + _candidate(spec) + placed.rollout.max_surge)])


def _candidate(spec: ModelSpec) -> int:
    """Replicas of a new release that is judged while the old one is at its floor: as many as that has."""
    return _floor(spec)[0] if spec.rollout.judged else 0


def _short(placed: Placed, team: Sequence[ModelSpec], quota: Quota | None) -> list[Limit]:
    """What of a quota a model needs more of. Whoever asks for none of it is not to blame for what others ask for."""
    needed, each = _needed(placed, team), demand(placed.variant.spec.resources)
    return [limit for limit in limits(quota) if limit.used(needed) > limit.most and limit.used(each)]


def _beyond(
    loaded: LoadedSpec, environment: str, placed: Placed, team: Sequence[ModelSpec], short: Sequence[Limit], where: str
) -> UserError:
    spec, needed, rollout = placed.variant.spec, _needed(placed, team), placed.rollout
    place, field = loaded.locate(environment, _floor(spec)[1])
    others = sorted(one.name for one in team if one is not spec)
    beside = f" together with the minimum of {', '.join(others)}" if others else ""
    new = f", {_candidate(spec)} of the new release beside them while {spec.rollout.strategy} judges it"
    extra = (new if rollout.candidate else "") + (
        " and the extra one that a rolling update starts" if rollout.max_surge else ""
    )
    needs = ", ".join(f"{limit.shown(limit.used(needed))} {limit.field}" for limit in short)
    holds = ", ".join(f"{limit.text} {limit.field}" for limit in short)
    problem = f"replicas{extra} need {needs}{beside}: the quota of team {spec.owner} has {holds}"
    fields = ", ".join(f"teams.{spec.owner}.quota.{limit.field}" for limit in short)
    rolling = ", or write rollout.strategy: rolling" if rollout.candidate else ""
    todo = f"lower it, or what each replica gets, or raise {fields} in {where}{rolling}"
    return WrongValue(place, field, _floor(spec)[0], problem, "what fits into the quota of its team", todo)


def beyond_quotas(teams: Mapping[str, Team] | None, placed: Sequence[Placed]) -> Iterator[str]:
    """Say which models cannot reach `scale.max` within their team's quota, and which only not all at once."""
    for name, team in (teams or {}).items():
        specs = [one.variant.spec for one in placed if one.variant.spec.owner == name]
        alone = {spec.name: most_replicas(spec, specs, team.quota) for spec in specs}
        for spec in specs:
            if alone[spec.name] < spec.scale.max:
                yield (
                    f"{spec.name}: scale.max: the quota of team {name} is enough for {alone[spec.name]} of "
                    f"{spec.scale.max} replicas beside the minimum of its other models: the autoscaler stops there, "
                    "and an update that comes then cannot start its extra replica"
                )
        at_most = _sum((spec, spec.scale.max) for spec in specs)
        short = [limit for limit in limits(team.quota) if limit.used(at_most) > limit.most]
        if short and all(alone[spec.name] == spec.scale.max for spec in specs):
            needs = ", ".join(f"{limit.shown(limit.used(at_most))} {limit.field} of {limit.text}" for limit in short)
            yield (
                f"team {name}: if all its models were at scale.max at once, they would need {needs} in its quota: who "
                "comes first gets it"
            )


def full_pools(plan: Plan) -> tuple[FullPool, ...]:
    """What happens to whom when each pool that has models is full; nothing where the settings have no teams."""
    teams = plan.settings.teams
    if teams is None:
        return ()
    found = []
    for pool in plan.pools:
        here = [
            Contender(
                model=model.name,
                team=model.spec.owner,
                priority=teams[model.spec.owner].priority,
                each=demand(model.spec.resources),
                least=model.spec.scale.min,
                most=_most(model, plan, teams),
            )
            for model in plan.models
            if model.pool.name == pool.name
        ]
        found += [full_pool(pool, here)] if here else []
    return tuple(found)


def _most(model: ModelPlan, plan: Plan, teams: Mapping[str, Team]) -> int:
    owner = model.spec.owner
    return most_replicas(model.spec, [one.spec for one in plan.models if one.spec.owner == owner], teams[owner].quota)


def _sum(replicas: Iterator[tuple[ModelSpec, int]] | Sequence[tuple[ModelSpec, int]]) -> Demand:
    total = _NOTHING
    for spec, count in replicas:
        each = demand(spec.resources)
        total = Demand(total.cpu + count * each.cpu, total.memory + count * each.memory, total.gpus + count * each.gpus)
    return total


def _shown(field: str, amount: int) -> str:
    if field == "gpus":
        return str(amount)
    return format_cpu(amount) if field == "cpu" else format_bytes(amount)
