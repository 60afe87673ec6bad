"""Run Slipway's rules as a Pulumi policy pack: `pulumi up --policy-pack policy` (docs/reference/policy.md)."""

import sys
from pathlib import Path
from typing import Any

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.proxy import UnknownValueError

# The package `slipway` is not installed here, but beside: in a clone below infra/, around this folder in a wheel. It
# goes to the end, so that no package beside an installed one is taken for this pack's own.
sys.path.append(
    next(
        str(place)
        for above in Path(__file__).resolve().parents
        for place in (above, above / "infra")
        if (place / "slipway" / "policy").is_dir()
    )
)

from slipway.policy import resources, rules
from slipway.policy.resource import seen_by_engine


def one(rule: str) -> ResourceValidationPolicy:
    """The policy of a rule that looks at one resource."""

    def validate(seen: Any, report: Any) -> None:
        resource = seen_by_engine(seen.resource_type, seen.name, seen.props, UnknownValueError)
        for problem in () if resources.excepted(resource, rule) else resources.OF_ONE[rule](resource):
            report(problem)

    return ResourceValidationPolicy(rule, rules.BY_ID[rule].reason, validate)


def every(rule: str) -> StackValidationPolicy:
    """The policy of a rule that looks at all resources of a stack."""

    def validate(stack: Any, report: Any) -> None:
        urns = {(seen.resource_type, seen.name): seen.urn for seen in stack.resources}
        found = [seen_by_engine(s.resource_type, s.name, s.props, UnknownValueError) for s in stack.resources]
        for resource, problem in resources.OF_ALL[rule](found):
            if not resources.excepted(resource, rule):
                report(problem, urns[resource.type, resource.name])

    return StackValidationPolicy(rule, rules.BY_ID[rule].reason, validate)


PolicyPack("slipway", [*map(one, resources.OF_ONE), *map(every, resources.OF_ALL)], EnforcementLevel.MANDATORY)
