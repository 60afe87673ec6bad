"""What autoscaling asks follows from the settings of each kind."""

from typing import Any

from slipway.environments.planning.kinds import planning
from slipway.environments.planning.monitoring import Monitoring
from slipway.loading.settings import load_settings
from slipway.settings.kubernetes import Settings
from slipway.values.windows import DAY_S
from tests.support.planned import FIXTURES

LOCAL = load_settings(FIXTURES / "settings/ok", "local").model_dump(mode="json")


def settings(**changes: Any) -> Settings:
    return Settings.model_validate(LOCAL | changes)


def test_a_cluster_of_a_kubeconfig_has_no_monitoring_unless_the_settings_name_it() -> None:
    assert planning(settings()).monitoring is None


def test_monitoring_is_found_by_the_operator_unless_the_settings_say_otherwise() -> None:
    here = settings(monitoring={"prometheus": "http://p:9090", "labels": {"release": "monitors"}})
    assert planning(here).monitoring == Monitoring("http://p:9090", True, {"release": "monitors"})
    here = settings(monitoring={"prometheus": "http://p:9090", "discovery": "manual"})
    assert planning(here).monitoring == Monitoring("http://p:9090", False)


def test_every_environment_on_aws_has_the_monitoring_of_its_platform() -> None:
    here = planning(load_settings(FIXTURES / "settings/ok", "eks")).monitoring
    # Kept for as long as its settings say.
    assert here == Monitoring("http://prometheus-operated.monitoring:9090", True, keeps_s=365 * DAY_S)
