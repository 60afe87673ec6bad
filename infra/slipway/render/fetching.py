"""Say what the templates of a model get about weights that its pods fetch: nothing where they are in the image."""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.catalog.pod_contract import FETCHING, FETCHING_CONTAINER, FETCHING_FOLDER, FETCHING_VARIABLE
from slipway.delivery.ways import Stored
from slipway.render.templates import Manifest
from slipway.values.quantities import format_bytes

_MEBI = 2**20
_SPARE = 16 * _MEBI
"""What folders and blocks that are not full take beside the files."""
FETCHING_COMMAND = ["python3", "-m", FETCHING]
FETCHING_PATH = f"{FETCHING_FOLDER}/code:{FETCHING_FOLDER}/deps"
CAPTURE_VOLUME = "capture"
_OF_NODES = ("cpu", "memory", "ephemeral-storage")
_NAMES = (
    "container",
    "command",
    "python_path",
    "variable",
    "wanted",
    "secret",
    "resources",
    "folder",
    "volume",
)


def fetches(manifests: Iterable[Manifest]) -> bool:
    """Whether pods of a release, by its manifests, fetch their weights."""
    pods = (one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "Deployment")
    return any(box["name"] == FETCHING_CONTAINER for pod in pods for box in pod.get("initContainers", []))


def captures(manifests: Iterable[Manifest]) -> bool:
    """Whether pods of a release, by its manifests, store samples."""
    pods = (one["spec"]["template"]["spec"] for one in manifests if one["kind"] == "Deployment")
    return any(volume["name"] == CAPTURE_VOLUME for pod in pods for volume in pod.get("volumes", []))


def volume_bytes(stored: Stored | None) -> int:
    """Bytes of the volume that fetched weights are in, in whole MiB; 0 where none are fetched."""
    return 0 if stored is None else -(-(stored.size + _SPARE) // _MEBI) * _MEBI


def fetching_values(stored: Stored | None, resources: Mapping[str, str]) -> dict[str, Any]:
    """What the templates get of the init container; `resources`: of the server, of which it takes no device."""
    if stored is None:
        return dict.fromkeys(f"weights_{name}" for name in _NAMES)
    return {
        "weights_container": FETCHING_CONTAINER,
        "weights_command": list(FETCHING_COMMAND),
        "weights_python_path": FETCHING_PATH,
        "weights_variable": FETCHING_VARIABLE,
        "weights_wanted": stored.wanted(),
        "weights_secret": stored.store.secret,
        "weights_resources": {name: resources[name] for name in _OF_NODES},
        "weights_folder": stored.folder,
        "weights_volume": format_bytes(volume_bytes(stored)),
    }
