"""What `slipway price` counts is what the components make."""

from slipway.components.aws import keys
from slipway.components.aws.network import endpoints
from slipway.environments.planning.aws import charges


def test_interface_endpoints_and_keys_are_those_of_the_components() -> None:
    assert endpoints.INTERFACES == charges.INTERFACE_ENDPOINTS
    assert len(keys.Keys.__annotations__) == charges.KEYS
