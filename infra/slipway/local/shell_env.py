"""Say which variables make plain commands (`pulumi`, `slipway`, `docker`) work on the local environment."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from slipway.local.cluster import facts
from slipway.local.docker import base_image as debian_base
from slipway.local.docker import engine
from slipway.local.host import paths
from slipway.local.model_store import server as model_store
from slipway.local.plugins import stand_in

_PROXIES = ("NO_PROXY", "no_proxy")
_OURS = ("localhost", "127.0.0.1", "127.0.0.0/8", facts.NODE_IP, facts.CLUSTER_RANGE)
"""Registry, API server, pods and Services: no proxy leads to them. As addresses too, since not every program reads
ranges."""


def variables(base: Mapping[str, str]) -> dict[str, str]:
    """What differs from `base`, the environment of the caller, for the parts that run now."""
    return (
        render(
            base,
            provider_port=stand_in.port(),
            docker_host=engine.ours(),
            own_cluster=paths.KUBECONFIG.exists(),
            base_image=debian_base.pinned(),
        )
        | model_store.variables()
    )


def past_proxies(base: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY in both spellings, of which programs read one or the other: what `base` has in either, and ours."""
    given = [entry.strip() for name in _PROXIES for entry in base.get(name, "").split(",")]
    entries = ",".join(dict.fromkeys(entry for entry in (*given, *_OURS) if entry))
    return dict.fromkeys(_PROXIES, entries)


def render(
    base: Mapping[str, str],
    *,
    provider_port: int | None,
    docker_host: str | None,
    own_cluster: bool,
    base_image: str | None = None,
) -> dict[str, str]:
    """The variables, from the facts that they depend on. `base_image`: by digest.

    The passphrase is empty on purpose: the local environment holds no secrets, and Pulumi asks for one otherwise.
    """
    first = [str(paths.STATE_BIN), str(Path(sys.executable).parent)]
    rest = [entry for entry in base.get("PATH", os.defpath).split(os.pathsep) if entry and entry not in first]
    variables = {
        "PATH": os.pathsep.join([*first, *rest]),
        "PULUMI_HOME": str(paths.PULUMI_HOME),
        "PULUMI_BACKEND_URL": f"file://{paths.PULUMI_BACKEND}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **past_proxies(base),
    }
    if base_image is not None:
        # The tag in the committed settings stays when the image is made anew; a release must not.
        variables["SLIPWAY_BASE_IMAGE"] = base_image
    if own_cluster:
        variables["KUBECONFIG"] = os.pathsep.join([str(paths.KUBECONFIG), *_other_kubeconfigs(base)])
    if provider_port is not None:
        others = [
            entry
            for entry in base.get("PULUMI_DEBUG_PROVIDERS", "").split(",")
            if entry and not entry.startswith("kubernetes:")
        ]
        variables["PULUMI_DEBUG_PROVIDERS"] = ",".join([*others, f"kubernetes:{provider_port}"])
        # Else the engine tries, each time that a state names the plugin, to download what already runs: 3 s in vain.
        variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    if docker_host is not None:
        variables["DOCKER_HOST"] = docker_host
    return variables


def _other_kubeconfigs(base: Mapping[str, str]) -> list[str]:
    """The caller's own files, behind ours: a settings file may name any context of them."""
    listed = base.get("KUBECONFIG", "")
    own = listed.split(os.pathsep) if listed else [str(Path(base.get("HOME") or Path.home()) / ".kube" / "config")]
    return [name for name in own if name and name != str(paths.KUBECONFIG) and Path(name).exists()]


def exports(variables: Mapping[str, str]) -> str:
    """The variables as lines for `eval "$(slipway local env)"`."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
