"""Plans of the fixtures, with digests of Slipway's own code that do not change with every edit of it."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from slipway.catalog.pod_contract import FETCHING
from slipway.loading.specs import load_environment
from slipway.plan.code_digests import TRACES, CodeDigests
from slipway.plan.model import ModelPlan
from slipway.planner.environment import Plan, plan
from slipway.runtimes.registry import RUNTIMES

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
CODE = {
    **{
        name: CodeDigests(
            "requirements",
            {},
            {
                of: "-".join(["requirements", *of])
                for of in (one.image.sets_of_extras() if one.image is not None else ())
            },
        )
        for name, one in RUNTIMES.items()
    },
    FETCHING: CodeDigests(requirements="requirements", server={}),
    TRACES: CodeDigests(requirements="requirements", server={}),
}


@lru_cache
def fixture_plan(environment: str) -> Plan:
    """The plan of the good fixtures for one of their environments."""
    settings, specs = load_environment(FIXTURES / "settings/ok", environment, FIXTURES / "spec/ok", FIXTURES / "repo")
    return plan(environment, settings, specs, CODE)


def _plan_of(folder: str, environment: str) -> Plan:
    """The plan of an environment whose settings and specs are in a folder of the fixtures."""
    where = FIXTURES / folder
    settings, specs = load_environment(where / "settings", environment, where / "spec", FIXTURES / "repo")
    return plan(environment, settings, specs, CODE)


@lru_cache
def gateway_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments with a gateway."""
    return _plan_of("gateway", environment)


@lru_cache
def traced_plan() -> Plan:
    """The plan of the fixtures' environment whose requests are traced."""
    return _plan_of("traces", "traced")


@lru_cache
def sleeper() -> ModelPlan:
    """The plan of a model behind a gateway whose calls wait while it has no replica: all that a route may have."""
    model = gateway_plan("own").find("least", Path())
    assert model.traffic is not None
    return replace(model, traffic=replace(model.traffic, wait_s=63))


@lru_cache
def fleet_plan() -> Plan:
    """The plan of the fixtures' environment on AWS, with a model of each kind."""
    return _plan_of("aws", "fleet")


@lru_cache
def scaling_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments whose models scale on more than CPU."""
    return _plan_of("scaling", environment)


@lru_cache
def teams_plan() -> Plan:
    """The plan of the fixtures' environment that teams share."""
    return _plan_of("teams", "shared")


@lru_cache
def rollout_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments whose models are updated in every way."""
    return _plan_of("rollouts", environment)


@lru_cache
def own_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments whose models bring their own servers."""
    return _plan_of("own", environment)


@lru_cache
def others_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments with servers of others."""
    return _plan_of("others", environment)


@lru_cache
def delivery_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments with a model store, for weights that are fetched and others."""
    return _plan_of("delivery", environment)


@lru_cache
def slo_plan() -> Plan:
    """The plan of the fixtures' environment whose models promise something."""
    return _plan_of("slo", "watched")


@lru_cache
def drift_plan() -> Plan:
    """The plan of digits, of the repository's own weights, with drift and a lock that has its profile."""
    where = FIXTURES / "drift"
    settings, specs = load_environment(where / "settings", "seen", where / "spec", ROOT)
    return plan("seen", settings, specs, CODE)


def capture_plan(environment: str) -> Plan:
    """The plan of one of the fixtures' environments whose models keep samples."""
    return _plan_of("capture", environment)


@lru_cache
def feedback_plan() -> Plan:
    """The plan of the fixtures' environment whose models take feedback."""
    return _plan_of("feedback", "heard")
