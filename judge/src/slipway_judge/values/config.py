"""What the judge is told: environment variables, checked before anything starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "SLIPWAY_"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class ConfigError(Exception):
    """A variable is missing or wrong; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Config:
    """Everything that the judge is told.

    Attributes:
        model, namespace: whose rollout it is, and where.
        rollout: its id; a plan of another id is another judge's.
        host: addresses that both ports listen on; the pod's, whose NetworkPolicy decides who may connect.
        mirror_port, health_port: 0: any free one.
        warm_up_s: how long nothing counts after weights changed or the judge started, seconds.
        tick_s: between two looks at what is kept and at the evidence, seconds.
        look_every_s: between two questions to Prometheus, seconds.
        api_url: the API server; None: the pod's. Given by tests alone.
        service_account: folder with the pod's token and the API server's authority.
        services: URL of a Service, with `{service}`, `{namespace}` and `{port}` in it.
    """

    model: str
    namespace: str
    rollout: str
    host: str
    mirror_port: int
    health_port: int
    warm_up_s: float
    tick_s: float
    look_every_s: float
    api_url: str | None
    service_account: Path
    services: str


def load_config(environ: Mapping[str, str]) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: a variable is missing or wrong.
    """
    return Config(
        model=_name(environ, "MODEL", "the name of a model"),
        namespace=_name(environ, "NAMESPACE", "the name of a namespace"),
        rollout=_name(environ, "ROLLOUT", "the id of a rollout"),
        host=environ.get(f"{_PREFIX}JUDGE_HOST", "0.0.0.0"),  # noqa: S104 - inside a pod
        mirror_port=_port(environ, "JUDGE_MIRROR_PORT", 8080),
        health_port=_port(environ, "JUDGE_HEALTH_PORT", 8081),
        warm_up_s=_seconds(environ, "JUDGE_WARM_UP_S", 15.0),
        tick_s=_seconds(environ, "JUDGE_TICK_S", 1.0),
        look_every_s=_seconds(environ, "JUDGE_LOOK_EVERY_S", 5.0),
        api_url=environ.get(f"{_PREFIX}JUDGE_API_URL"),
        service_account=Path(
            environ.get(f"{_PREFIX}JUDGE_SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount")
        ),
        services=environ.get(f"{_PREFIX}JUDGE_SERVICES", "http://{service}.{namespace}:{port}"),
    )


def _name(environ: Mapping[str, str], name: str, what: str) -> str:
    text = environ.get(_PREFIX + name, "")
    if not _NAME.fullmatch(text):
        raise ConfigError(f"{_PREFIX}{name} is {text!r}; allowed: {what}, small letters, digits and hyphens")
    return text


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(_PREFIX + name, str(default))
    if not text.isdecimal() or int(text) > 65_535:
        raise ConfigError(f"{_PREFIX}{name} is {text!r}; allowed: a port, 0 to 65535")
    return int(text)


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(_PREFIX + name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ConfigError(f"{_PREFIX}{name} is {text!r}; allowed: seconds, 0 to 3600")
    return seconds
