"""Connect to the cluster of a kubeconfig's context; what is wrong with either is one message."""

import ipaddress
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from kubernetes import config
from kubernetes.client import ApiClient, Configuration
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import DependencyWarning
from yaml import YAMLError

from slipway.errors.reaching import ContextUnknown, NoCredentials, NoSocks

_DEFAULT = "~/.kube/config"
_MISTAKES = (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError)
"""What the package raises for a kubeconfig that is missing, is no YAML, or has a list where a mapping should be."""


def connect(context: str, kubeconfig: dict[str, Any] | None = None) -> ApiClient:
    """A client for a context of `kubeconfig`, or of the files that $KUBECONFIG names; no request is made yet.

    Raises `ContextUnknown`, `NoCredentials` when the program that should give them does not, and `NoSocks`.
    """
    configuration = Configuration()
    with asking_for_credentials(context):
        try:
            if kubeconfig is None:
                config.load_kube_config(_files(), context, configuration)  # type: ignore[no-untyped-call]
            else:
                config.load_kube_config_from_dict(kubeconfig, context, configuration)  # type: ignore[no-untyped-call]
        except _MISTAKES as error:
            raise ContextUnknown(context, " ".join(str(error).split())) from error
    if _is_loopback(configuration.host) and configuration.proxy in getproxies().values():
        # As kubectl does it: no proxy of the environment leads to this machine's own loopback.
        configuration.proxy = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DependencyWarning)  # urllib3 says the same in more words
        try:
            return ApiClient(configuration)
        except ImportError as error:
            raise NoSocks(context, configuration.host) from error


def proxy_of(api: ApiClient) -> str | None:
    """The proxy that a client's requests go through, without user and password; None when they go straight."""
    proxy = getattr(api.rest_client.pool_manager, "proxy", None)
    return None if proxy is None else f"{proxy.scheme}://{proxy.host}{f':{proxy.port}' if proxy.port else ''}"


@contextmanager
def asking_for_credentials(context: str) -> Iterator[None]:
    """Raise `NoCredentials` when the package fails to get them in the block: it only logs that, and goes on without."""
    said = _Said()
    root = logging.getLogger()
    root.addHandler(said)
    try:
        yield
    finally:
        root.removeHandler(said)
    if said.errors:
        raise NoCredentials(context, "; ".join(said.errors))


class _Said(logging.Handler):
    """Keeps the errors that this thread logs, and lets pass what others do."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.errors.append(" ".join(record.getMessage().split()))
        elif logging.lastResort is not None:
            logging.lastResort.handle(record)


def _files() -> str:
    """The files of $KUBECONFIG, or the default one, without those that have nothing in them: as kubectl reads them."""
    named = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name] or [_DEFAULT]
    paths = [Path(name).expanduser() for name in named]
    return os.pathsep.join(str(path) for path in paths if not _is_empty(path))


def _is_empty(path: Path) -> bool:
    if not path.is_file():
        return False
    lines = (line.strip() for line in path.read_text(errors="replace").splitlines())
    return all(not line or line.startswith("#") or line == "---" for line in lines)


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
