"""What other programs said is cut in its middle: it begins with what it is about, and the reason stands at its end."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest
import slipway_server.values.text

import slipway.local.host.text
from slipway.cluster.api import Cluster
from slipway.errors.base import FileRefused, shown
from slipway.errors.reaching import ApiRefused
from slipway.local.plugins.kubernetes.client.api import _status

LONG = "what it is about: " + "/a/file/of/its/code.cc:256 void function() " * 200 + "max supported IR version: 13"

HELPERS = [slipway.local.host.text.shortened, slipway_server.values.text.shortened]


@pytest.mark.parametrize("shortened", HELPERS, ids=lambda f: f.__module__)
@pytest.mark.parametrize("limit", [80, 81, 300, 600])
def test_a_long_text_keeps_its_beginning_and_its_end(shortened: Callable[[str, int], str], limit: int) -> None:
    cut = shortened(LONG, limit)
    assert len(cut) == limit
    assert cut.startswith("what it is about: ")
    assert " [...] " in cut
    assert cut.endswith("max supported IR version: 13")


@pytest.mark.parametrize("shortened", HELPERS, ids=lambda f: f.__module__)
def test_a_text_that_fits_is_left_as_it_is(shortened: Callable[[str, int], str]) -> None:
    assert shortened("a" * 80, 80) == "a" * 80
    assert len(shortened("a" * 81, 80)) == 80


def test_an_error_of_a_person_keeps_the_end_of_each_part() -> None:
    assert str(FileRefused("spec.yaml", LONG, LONG, LONG)).count("max supported IR version: 13") == 3
    assert shown(LONG).endswith('max supported IR version: 13"')
    assert len(shown(LONG)) == 80


@pytest.mark.parametrize(
    "body", [LONG.encode(), b'{"message": "' + LONG.encode() + b'"}', b'{"error": "' + LONG.encode() + b'"}']
)
def test_an_error_of_the_cluster_keeps_its_end(body: bytes) -> None:
    cluster = Cluster.__new__(Cluster)
    cluster.context = "fake"
    cluster._api = Mock()
    cluster._api.param_serialize.return_value = ("GET", "/", {}, None, None)
    cluster._api.rest_client.pool_manager.request.return_value = Mock(status=500, data=body)
    with pytest.raises(ApiRefused) as refused:
        cluster.request("GET", "/")
    assert "max supported IR version: 13" in str(refused.value)
    assert len(str(refused.value)) < 2100


def test_an_error_of_the_plugins_api_server_keeps_its_end() -> None:
    assert _status(500, LONG.encode())["message"].endswith("max supported IR version: 13")
