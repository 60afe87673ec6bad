"""Find the cluster that a provider's settings mean; those that mean the same share connections and discovery."""

import asyncio
import hashlib
import json
import ssl
import tempfile
from collections.abc import Mapping
from typing import Any

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException

from slipway.local.plugins.kubernetes.client import kubeconfig
from slipway.local.plugins.kubernetes.client.api import Api
from slipway.local.plugins.kubernetes.client.discovery import Discovery
from slipway.local.plugins.kubernetes.client.kubeconfig import KubeconfigError
from slipway.local.plugins.kubernetes.client.settings import Settings


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

    async def find(self, settings: Settings, environment: Mapping[str, str]) -> Cluster:
        """The cluster of these settings in the caller's environment; nothing is sent to it yet.

        Raises KubeconfigError.
        """
        config = kubeconfig.read(settings.kubeconfig, environment)
        text = json.dumps(config, sort_keys=True, default=str)
        choices = "\0".join((text, settings.context or "", settings.cluster or "", settings.namespace or ""))
        key = hashlib.sha256(choices.encode()).hexdigest()
        async with self._lock:
            if key not in self._known:
                self._known[key] = Cluster(await _connect(settings, config))
            return self._known[key]

    async def close(self) -> None:
        """Close all connections."""
        for cluster in self._known.values():
            await cluster.api.close()


def server(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """The address that the settings lead to in the caller's environment; None when that cannot be told."""
    try:
        _, cluster = _select(settings, kubeconfig.read(settings.kubeconfig, environment))
    except KubeconfigError:
        return None
    return str(cluster.get("server", "")) or None


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


async def _connect(settings: Settings, config: dict[str, Any]) -> Api:
    context, _ = _select(settings, config)
    name = context.pop("__name")
    config = {**config, "contexts": [{"name": name, "context": context}]}
    configuration = Configuration()
    # The library hands keys to OpenSSL as files; they live in a private folder for as long as the reading takes.
    with tempfile.TemporaryDirectory(prefix="slipway-provider-") as private:
        try:
            loader = kube_config.KubeConfigLoader(  # type: ignore[no-untyped-call]
                config, active_context=name, temp_file_path=private
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
