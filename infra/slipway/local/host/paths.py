"""Say where everything of the local environment lies on this machine: one place, no clone in it.

CACHE survives `slipway local down`; STATE is the running environment and goes with it. Both follow the XDG variables,
so that a test or a second user gets an environment of its own without an option for it.
"""

import os
from pathlib import Path


def _base(variable: str, default: str) -> Path:
    """The folder an XDG variable names; the specification says that a relative value is ignored."""
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / default


CACHE = _base("XDG_CACHE_HOME", ".cache") / "slipway"
"""Built tools and downloads, by the digest of what they are made from."""

STATE = _base("XDG_STATE_HOME", ".local/state") / "slipway" / "local"
"""Everything of the running environment, mode 0700."""

CACHE_TOOLS = CACHE / "tools"
CACHE_IMAGES = CACHE / "images"

STATE_RUN = STATE / "run"
"""Pid files."""
STATE_LOG = STATE / "log"
STATE_BIN = STATE / "bin"
"""Put first on PATH by the environment: the Pulumi CLI and its hosts."""
STATE_CLUSTER = STATE / "cluster"
STATE_REGISTRY = STATE / "registry"
STATE_DOCKER = STATE / "docker"
STATE_PROVIDER = STATE / "provider"
PULUMI_HOME = STATE / "pulumi"
PULUMI_BACKEND = STATE / "backend"
KUBECONFIG = STATE / "kubeconfig"
KUBE_CONTEXT = "slipway-local"


def prepare() -> None:
    """Make the folders that every part writes to; STATE holds keys, so nobody else may look into it."""
    CACHE_TOOLS.mkdir(parents=True, exist_ok=True)
    CACHE_IMAGES.mkdir(parents=True, exist_ok=True)
    STATE.mkdir(parents=True, exist_ok=True, mode=0o700)
    STATE.chmod(0o700)
    for folder in (STATE_RUN, STATE_LOG, STATE_BIN, PULUMI_HOME, PULUMI_BACKEND):
        folder.mkdir(exist_ok=True, mode=0o700)
