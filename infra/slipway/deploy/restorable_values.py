"""What the values of a recorded release may be that no plan says: texts and numbers of a size, resources."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slipway.deploy.restorable_scaling import is_behavior
from slipway.render.model import RECREATE, ROLLING_UPDATE

_NUMBERS = 10**9
TEXT_MOST = 4096
_TOLERATION = {"key", "operator", "value", "effect"}
_SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")
_RESOURCE = re.compile(r"cpu|memory|ephemeral-storage|[a-z0-9.-]+/[a-z0-9.-]+")
"""Of a container: what every node has, and devices of a vendor."""


def is_number(value: Any) -> bool:
    """Whether a value is a whole number of the size that manifests have."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _NUMBERS


def is_text(value: Any) -> bool:
    """Whether a value is a text of the length that manifests have."""
    return isinstance(value, str) and len(value) <= TEXT_MOST


def _is_mapping_of_text(value: Any) -> bool:
    return isinstance(value, dict) and all(is_text(item) for pair in value.items() for item in pair)


def is_scalar(value: Any) -> bool:
    """Whether a value is either."""
    return is_number(value) or is_text(value)


def _are_resources(value: Any) -> bool:
    return _is_mapping_of_text(value) and all(map(_RESOURCE.fullmatch, value))


def _of_own_servers_only(_: Any) -> bool:
    return False


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "ingress_from": _of_own_servers_only,
    "metrics_from": _of_own_servers_only,
    "metrics_port": _of_own_servers_only,
    "pre_stop_s": _of_own_servers_only,
    "config": lambda value: isinstance(value, str),
    "resources": _are_resources,
    "weights_resources": _are_resources,
    "node_selector": _is_mapping_of_text,
    "tolerations": lambda value: (
        isinstance(value, list) and all(_is_mapping_of_text(item) and item.keys() <= _TOLERATION for item in value)
    ),
    "service_type": lambda value: value in _SERVICE_TYPES,
    "update_type": lambda value: value in (ROLLING_UPDATE, RECREATE),
    "scale_behavior": is_behavior,
}
