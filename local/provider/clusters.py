"""Find the cluster that a provider's settings mean; those that mean the same share connections and discovery."""

import asyncio
import hashlib
import os
import ssl
import tempfile
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException

from .api import Api
from .discovery import Discovery
from .settings import Settings

_DEFAULT_KUBECONFIG = "~/.kube/config"


class KubeconfigError(ValueError):
    """The kubeconfig cannot be used; the message never holds its contents."""


class Cluster:
    """One API server and what is known about its kinds."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.discovery = Discovery(api)


class Clusters:
    """All clusters in use by this process, by the contents of their kubeconfig and the choices made in it."""

    def __init__(self) -> None:
        self._known: dict[str, Cluster] = {}
        self._lock = asyncio.Lock()

    async def find(self, settings: Settings) -> Cluster:
        """The cluster of these settings; nothing is sent to it yet. Raises KubeconfigError."""
        text, folder = _contents(settings)
        choices = "\0".join((text, settings.context or "", settings.cluster or "", settings.namespace or ""))
        key = hashlib.sha256(choices.encode()).hexdigest()
        async with self._lock:
            if key not in self._known:
                self._known[key] = Cluster(await _connect(settings, text, folder))
            return self._known[key]

    async def close(self) -> None:
        """Close all connections."""
        for cluster in self._known.values():
            await cluster.api.close()


def server(settings: Settings) -> str | None:
    """The address that the settings lead to; None when that cannot be told."""
    try:
        text, _ = _contents(settings)
        _, cluster = _select(settings, _parse(text))
    except KubeconfigError:
        return None
    return str(cluster.get("server", "")) or None


def _contents(settings: Settings) -> tuple[str, Path]:
    """(text of the kubeconfig, folder that its relative paths start from)."""
    given = settings.kubeconfig
    if given and ("\n" in given or given.lstrip().startswith("{")):
        return given, Path.cwd()
    named = given or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or _DEFAULT_KUBECONFIG
    path = Path(named).expanduser()
    try:
        return path.read_text(), path.parent
    except OSError as error:
        raise KubeconfigError(
            f"kubeconfig {path} cannot be read ({error.strerror}); set kubernetes:kubeconfig to the path or the "
            "contents of a kubeconfig"
        ) from error


def _parse(text: str) -> dict[str, Any]:
    try:
        config = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise KubeconfigError(f"the kubeconfig is no valid YAML{place}") from None
    if not isinstance(config, dict) or not isinstance(config.get("contexts"), list):
        raise KubeconfigError(
            "the kubeconfig has no list of contexts; expected the contents or the path of a kubeconfig"
        )
    return config


def _select(settings: Settings, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The context and the cluster that the settings name, else the kubeconfig's own choice."""
    contexts = {item.get("name"): item.get("context") or {} for item in config["contexts"]}
    name = settings.context or config.get("current-context")
    if name not in contexts:
        raise KubeconfigError(f"the kubeconfig has no context {name!r}; it has: {_names(contexts)}")
    context = contexts[name]
    clusters = {item.get("name"): item.get("cluster") or {} for item in config.get("clusters") or []}
    chosen = settings.cluster or context.get("cluster")
    if chosen not in clusters:
        raise KubeconfigError(f"the kubeconfig has no cluster {chosen!r}; it has: {_names(clusters)}")
    return {**context, "cluster": chosen, "__name": name}, clusters[chosen]


def _names(named: dict[str, Any]) -> str:
    return ", ".join(sorted(str(name) for name in named)) or "none"


async def _connect(settings: Settings, text: str, folder: Path) -> Api:
    config = _parse(text)
    context, _ = _select(settings, config)
    name = context.pop("__name")
    config["contexts"] = [{"name": name, "context": context}]
    configuration = Configuration()
    # The library hands keys to OpenSSL as files; they live in a private folder for as long as the reading takes.
    with tempfile.TemporaryDirectory(prefix="slipway-provider-") as private:
        try:
            loader = kube_config.KubeConfigLoader(  # type: ignore[no-untyped-call]
                config, active_context=name, config_base_path=str(folder), temp_file_path=private
            )
            await loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
            client = ApiClient(configuration)
        except (ConfigException, ssl.SSLError, OSError, ValueError) as error:
            raise KubeconfigError(
                f"context {name!r} of the kubeconfig cannot be used: {type(error).__name__}"
            ) from None
        finally:
            kube_config._cleanup_temp_files()  # type: ignore[no-untyped-call]
    return Api(client, settings.namespace or context.get("namespace") or "default")
