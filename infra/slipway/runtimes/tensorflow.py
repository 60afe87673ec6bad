"""SavedModels and Keras archives by TensorFlow in Slipway's own model server, on CPUs."""

from pathlib import Path

from slipway.artifacts.onnx import Fetched, Found
from slipway.artifacts.unread import UNKNOWN, find_unread
from slipway.reading.files import BadFile, inside
from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.model_server import image_of

_SAVED_MODEL = "saved_model.pb"
_KIND = "the folder of a SavedModel"


class TensorflowRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "tensorflow"
    formats: tuple[str, ...] = ("savedmodel", "keras")
    without_gpu = "TensorFlow computes on CPUs here; a GPU is used by runtime onnxruntime, after {convert: onnx}"
    image: ImageRecipe | None = image_of("requirements-tensorflow.txt", architectures=("amd64",))
    """TensorFlow without GPUs is published for amd64 alone; its name on arm64 is another distribution."""
    image_bytes = 379 * 2**20
    """337 MiB, the wheels of server/requirements-tensorflow.txt as the index has them, and an assumption of 42 MiB for
    Python on Debian."""
    server_start_s: float = 4
    """Rounded up from what was measured on two busy cores, 2026-11-26: 3.8 s."""
    server_bytes = 640 * 2**20
    """549 MiB were measured with TensorFlow imported."""

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        """A Keras archive, or the folder of a SavedModel: its saved_model.pb, and all files below as external data."""
        if not path.is_dir():
            return super().find_weights(path, root, fetched)
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        if _SAVED_MODEL not in names:
            raise BadFile(f"is a folder without {_SAVED_MODEL}", _KIND, "name the folder of a SavedModel")
        found = find_unread(path / _SAVED_MODEL, root, _SAVED_MODEL)
        beside = {name: inside(path / name, root) for name in names if name != _SAVED_MODEL}
        external = {name: (file, file.stat().st_size) for name, file in beside.items()}
        size = found.onnx.size + sum(size for _, size in external.values())
        return Found(found.onnx, external, size, UNKNOWN, (), None)
