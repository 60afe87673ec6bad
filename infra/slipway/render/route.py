"""Say what the templates of a model's route place: its address, its rules, the limits of time."""

import math
from typing import Any

from slipway.catalog.pod_contract import GRPC_HEADER, GRPC_SERVICE, KEYS_ADMIN_PORT, KEYS_CHECK_PORT
from slipway.plan.traffic import Traffic
from slipway.values import names

_IDLE_MARGIN_S = 5
_CHECK_S = 2
_CHECK_OF_A_SLEEPER_S = 5
"""Beyond the wait for a replica: the gateway must not give up before the keys service says that it did."""
_NOWHERE = "192.0.2.1"
"""An address of RFC 5737, which no machine has."""
_OF_A_ROUTE = (
    *("route_rules", "route_hosts", "route_path", "route_origins"),
    *("request_timeout", "stream_idle_timeout", "check_timeout", "keys_check_path", "grpc_hosts"),
    *("feedback_path", "keys_feedback_path"),
)


def route_values(traffic: Traffic | None) -> dict[str, Any]:
    """What those templates get; all None for a model without a route."""
    fixed = {
        "nowhere": _NOWHERE,
        "gateway_name": names.GATEWAY,
        "keys_name": names.KEYS,
        "keys_check_port": KEYS_CHECK_PORT,
        "keys_admin_port": KEYS_ADMIN_PORT,
        "grpc_service": GRPC_SERVICE,
        "grpc_header": GRPC_HEADER,
    }
    if traffic is None:
        return dict.fromkeys(_OF_A_ROUTE) | fixed
    wait_s = traffic.wait_s or 0
    return fixed | {
        "route_rules": traffic.rules(),
        "route_hosts": [traffic.host],
        "route_path": traffic.path,
        "route_origins": list(traffic.origins) or None,
        "request_timeout": duration(traffic.timeout_s),
        # An answer may come whole at the end of its time, and a call wait before: until then nothing passes.
        "stream_idle_timeout": duration(wait_s + traffic.timeout_s + _IDLE_MARGIN_S),
        "check_timeout": duration(wait_s + _CHECK_OF_A_SLEEPER_S if wait_s else _CHECK_S),
        "keys_check_path": f"/check/{traffic.model}",
        "grpc_hosts": [traffic.grpc.host] if traffic.grpc else None,
        "feedback_path": traffic.feedback_path,
        "keys_feedback_path": f"/feedback/{traffic.model}",
    }


def duration(seconds: float) -> str:
    """A time as the Gateway API writes it, at least as long: no fractions, at most five digits before each unit."""
    whole, milliseconds = divmod(math.ceil(round(seconds * 1000, 3)), 1000)
    parts = [f"{whole}s" if whole else "", f"{milliseconds}ms" if milliseconds else ""]
    return "".join(parts) or "0s"
