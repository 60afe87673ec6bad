"""What a fleet's own stack makes in the cluster that carries its control side, byte for byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.loading.settings import load_settings
from slipway.render.fleet import render_fleet
from slipway.render.gateway import NO_DIGEST
from slipway.render.yaml import to_yaml
from slipway.settings.edge import EdgeSettings
from tests.support.planned import FIXTURES

HERE = Path(__file__).parent / "fleet"


@pytest.mark.parametrize("name", ["least", "all-fields"])
def test_a_control_side_is_rendered_to_the_golden_manifests(name: str, golden: Callable[[Path, str], None]) -> None:
    settings = load_settings(FIXTURES / "fleet/settings", name)
    assert isinstance(settings, EdgeSettings)
    assert settings.cluster is not None
    image = f"registry.example.com/slipway/fleet@{NO_DIGEST}"
    golden(HERE / f"{name}.yaml", to_yaml(render_fleet(name, settings.cluster, image)))
