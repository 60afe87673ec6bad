"""Plan for the team that asks for some models of an environment, when the specs of other teams are not finished.

Models share an environment's nodes, so all of them are planned together. One that is wrong by itself (its spec cannot
be read, no pool can ever hold it) is left out and told. Where two that are right do not fit together, the one that is
asked for is refused as always.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from slipway.errors.base import UserError, UserErrors, each
from slipway.loading.specs import Loaded, LoadedSpec, Unread
from slipway.plan.code_digests import CodeDigests
from slipway.planner.environment import Plan, plan


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, the specs that it was made from, and what is wrong with those that it was made without."""

    plan: Plan
    specs: Sequence[LoadedSpec]
    left_out: Sequence[Unread]


def plan_for(only: Sequence[str] | None, loaded: Loaded, environment: str, code: Mapping[str, CodeDigests]) -> Planned:
    """Plan an environment for those who ask for the models in `only`; for all of its models when it is None.

    Raises `UserErrors`: what is wrong with the models asked for.
    """
    settings, specs, left_out = loaded.settings, list(loaded.specs), list(loaded.left_out)
    written = loaded.file.locate(())[0]
    while True:
        try:
            return Planned(plan(environment, settings, specs, code, written), specs, left_out)
        except UserErrors as error:
            own, others = apart(error.findings, only, specs)
            wrong = {spec.name: finding for finding in others for spec in specs if spec.file == finding.place.file}
            never = {name: finding for name, finding in wrong.items() if _never(environment, loaded, name, code)}
            if own and not never:
                raise UserErrors(own) from None
            left_out += [Unread(frozenset({name}), finding) for name, finding in (never or wrong).items()]
            specs = [spec for spec in specs if spec.name not in (never or wrong)]


def apart(
    findings: Iterable[UserError], only: Sequence[str] | None, specs: Sequence[LoadedSpec]
) -> tuple[list[UserError], list[UserError]]:
    """Findings that stand in the way of the models in `only`, and those about other models' specs."""
    single = [one for finding in findings for one in each(finding)]
    if only is None:
        return single, []
    files = {spec.file for spec in specs if spec.name not in only}
    return [one for one in single if one.place.file not in files], [one for one in single if one.place.file in files]


def _never(environment: str, loaded: Loaded, name: str, code: Mapping[str, CodeDigests]) -> bool:
    """Whether a model could not be deployed even if no other were there."""
    try:
        plan(environment, loaded.settings, [spec for spec in loaded.specs if spec.name == name], code)
    except UserErrors:
        return True
    return False
