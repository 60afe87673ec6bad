"""Plan what traces a model's requests: what its server is told, and the wheels that it needs for it."""

from typing import Any

from slipway import installation
from slipway.catalog.pod_contract import TRACES_FOLDER
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.monitoring import Tracing
from slipway.plan.code_digests import TRACES, TRACES_REQUIREMENTS, CodeDigests
from slipway.plan.image import Wheels
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec


def traced(settings: AnySettings, spec: ModelSpec) -> Tracing | None:
    """Where the spans of a model's server go; None where nobody traces, and for servers of others, which have their own
    ways."""
    here = planning(settings).monitoring
    return None if here is None or spec.own_server is not None else here.tracing


def traces_section(tracing: Tracing | None) -> dict[str, Any]:
    """What the server's configuration says of it, as `slipway_server.values.config.ServerConfig` reads it."""
    if tracing is None:
        return {}
    return {"traces": {"endpoint": f"http://{tracing.host}:{tracing.http_port}/v1/traces", "share": tracing.share}}


def traces_wheels(code: CodeDigests) -> Wheels:
    """The wheels of what makes spans, in their place in the image."""
    return Wheels(TRACES, TRACES_FOLDER, installation.resource(TRACES_REQUIREMENTS), code.requirements)
