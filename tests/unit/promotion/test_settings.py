"""In what a promoted release differs: settings are told, names are not."""

from dataclasses import replace

import pytest

from slipway.planner.environment import release_digest, released
from slipway.promotion.settings import _renamed, setting_differences
from tests.support.releases import planned

LEAST = planned()


def test_names_of_environment_and_namespace_are_no_difference() -> None:
    draft = replace(LEAST, environment="prod", namespace="prod-models")
    assert setting_differences(LEAST, released(draft, release_digest(draft))) == ()


def test_a_setting_is_told_with_both_values() -> None:
    draft = replace(LEAST, environment="prod", namespace="prod-models", service_type="LoadBalancer")
    found = setting_differences(LEAST, released(draft, release_digest(draft)))
    assert found == (f'Service spec.type: "{LEAST.service_type}" -> "LoadBalancer"',)


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        ("digits.local.svc.cluster.local", "digits.prod.svc.cluster.local", True),
        ("digits.local-models.svc.cluster.local", "digits.prod-models.svc.cluster.local", True),
        ("digits.local.svc.cluster.local", "digits.prod.svc.cluster.test", False),
        ("local", "staging", False),
        ("prod", "local", False),
        ("same", "same", True),
    ],
)
def test_only_names_of_the_two_environments_are_alike(old: str, new: str, *, alike: bool) -> None:
    assert _renamed(old, new, [("local", "prod"), ("local-models", "prod-models")]) is alike
