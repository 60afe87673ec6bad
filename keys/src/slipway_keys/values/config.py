"""What the service is told: environment variables, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "SLIPWAY_KEYS_"


class ConfigError(Exception):
    """A variable is missing or wrong; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Config:
    """Everything that the service is told.

    Attributes:
        database_url: the URL itself, which may hold a password; None when `database_url_file` has it.
        database_url_file: read anew for each pool of connections.
        database_secret: ARN of the secret of AWS with the password, where the URL has none.
        signing_key: PEM file of an Ed25519 private key, which signs passes.
        journal: folder that outlives the process, though not the pod.
        host: addresses that the three ports listen on; the pod's, whose NetworkPolicy decides who may connect.
        check_port, admin_port, otlp_port: 0: any free one.
        traffic_s: how often the calls of the busiest callers are counted for the metrics; 0: never.
        quality_s: how often feedback is measured for the metrics.
        drain_s: how long calls are still checked after SIGTERM, while the gateway learns of it.
        api_url: the API server; None: the pod's. Given by tests alone.
        service_account: folder with the pod's token, the API server's authority and the namespace.
    """

    database_url: str | None
    database_url_file: Path | None
    database_secret: str | None
    signing_key: Path
    journal: Path
    host: str
    check_port: int
    admin_port: int
    otlp_port: int
    traffic_s: float
    quality_s: float
    drain_s: float
    api_url: str | None
    service_account: Path

    def __repr__(self) -> str:
        """Leave out the URL, which may hold a password."""
        return f"Config(journal={self.journal})"

    def url(self) -> str:
        """Return the database's URL.

        Raises:
            ValueError: the file cannot be read.
        """
        if self.database_url is not None:
            return self.database_url
        assert self.database_url_file is not None  # noqa: S101 - load_config sees to it
        try:
            return self.database_url_file.read_text().strip()
        except OSError as error:
            raise ValueError(f"{self.database_url_file}: {error.strerror}") from None


def load_config(environ: Mapping[str, str]) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: a variable is missing or wrong.
    """
    url, file = environ.get(f"{_PREFIX}DATABASE_URL"), environ.get(f"{_PREFIX}DATABASE_URL_FILE")
    if (url is None) == (file is None):
        raise ConfigError(
            f"{_PREFIX}DATABASE_URL and {_PREFIX}DATABASE_URL_FILE: one of them must be set, and not both; allowed: "
            "postgresql://... or a file that has it"
        )
    return Config(
        database_url=url,
        database_url_file=Path(file) if file is not None else None,
        database_secret=_secret(environ),
        signing_key=Path(environ.get(f"{_PREFIX}SIGNING_KEY", "/etc/keys/private.pem")),
        journal=Path(environ.get(f"{_PREFIX}JOURNAL", "/var/lib/keys")),
        host=environ.get(f"{_PREFIX}HOST", "0.0.0.0"),  # noqa: S104 - inside a pod
        check_port=_port(environ, "CHECK_PORT", 8080),
        admin_port=_port(environ, "ADMIN_PORT", 8081),
        otlp_port=_port(environ, "OTLP_PORT", 4317),
        traffic_s=_seconds(environ, "TRAFFIC_S", 0.0),
        quality_s=_seconds(environ, "QUALITY_S", 60.0),
        drain_s=_seconds(environ, "DRAIN_S", 5.0),
        api_url=environ.get(f"{_PREFIX}API_URL"),
        service_account=Path(environ.get(f"{_PREFIX}SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount")),
    )


def _secret(environ: Mapping[str, str]) -> str | None:
    name = f"{_PREFIX}DATABASE_SECRET"
    arn = environ.get(name)
    if arn is not None and not (arn.startswith("arn:") and arn.count(":") >= 6 and arn.split(":")[3]):
        allowed = "the ARN of a secret, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"
        raise ConfigError(f"{name} is {arn!r}; allowed: {allowed}")
    return arn


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
