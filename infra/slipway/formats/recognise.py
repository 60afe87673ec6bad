"""Say which format weights have by their bytes: a suffix is a claim, and is held against them."""

import mmap
import tarfile
import zipfile
from pathlib import Path

from slipway.formats.archives import is_tar, tar_names, zip_names
from slipway.formats.names import WORDS, told_by
from slipway.formats.pickles import pickle_format
from slipway.formats.texts import HEAD, text_format
from slipway.reading.files import BadFile, open_regular, refuse_pointer

_KIND = "weights in one of the formats: " + ", ".join(WORDS)
_ONNX_LIMIT = 2**31 - 1
_SAVED_MODEL = "saved_model.pb"
_HDF5 = b"\x89HDF\r\n\x1a\n"


def recognise(path: Path) -> str:
    """The format of a file or a folder, one of `names.WORDS`; nothing of it is run or unpacked.

    Raises:
        BadFile: it cannot be read, or is nothing that Slipway knows: what it is, where that can be said.
    """
    return _of_folder(path) if path.is_dir() else _of_file(path)


def checked(path: Path, declared: str | None) -> str:
    """The format of weights, held against what the spec says, or, where it says nothing, against the suffix.

    Raises:
        BadFile: as `recognise`; or the content contradicts.
    """
    found = recognise(path)
    if declared is not None and declared != found:
        raise BadFile(f"is {WORDS[found]}, not {WORDS[declared]}", f"format: {found}", "correct format, or the source")
    claimed = told_by(path.suffix)
    if declared is None and claimed and found not in claimed:
        says = " or ".join(WORDS[name] for name in sorted(claimed))
        problem = f"is {WORDS[found]} by its content, and {says} by its name"
        raise BadFile(problem, "a name that tells what the file is", f"rename it, or write format: {found}")
    return found


def _of_folder(path: Path) -> str:
    if (path / _SAVED_MODEL).is_file():
        return "savedmodel"
    if (path / "MLmodel").is_file():
        todo = "name the model file inside of it (the file MLmodel lists it)"
        raise BadFile("is a folder of MLflow", _KIND, todo)
    raise BadFile(f"is a folder without {_SAVED_MODEL}", _KIND, "name a file in it, or the folder of a SavedModel")


def _of_file(path: Path) -> str:
    with open_regular(path, _KIND) as stream:
        head = stream.read(HEAD)
    if not head:
        raise BadFile("is empty", _KIND, "export the model again")
    refuse_pointer(head, _KIND)
    found = _by_magic(path, head) or text_format(path, head) or pickle_format(path, head) or _protobuf(path)
    if found is None:
        todo = "export the model in one of these formats, or correct the path"
        raise BadFile(f"has no format that Slipway knows (it begins with {head[:8]!r})", _KIND, todo)
    return found


def _by_magic(path: Path, head: bytes) -> str | None:
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(b"GGUF"):
        return "gguf"
    if head.startswith(_HDF5):
        return _hdf5(path)
    if head.startswith(b"CBM1"):
        raise BadFile("is a CatBoost model", _KIND, 'export it by save_model(..., format="onnx")')
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if is_tar(path):
        return _tar(path)
    return None


def _hdf5(path: Path) -> str:
    """Keras keeps the architecture as an attribute by this name, and attributes as plain text."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(b"model_config") >= 0:
            return "h5"
        keras = data.find(b"keras_version") >= 0 or data.find(b"layer_names") >= 0
    what = "HDF5 with the weights of a Keras model and not its architecture" if keras else "HDF5, but no Keras model"
    raise BadFile(f"is {what}", _KIND, "save the whole model: model.save(...), not model.save_weights(...)")


def _zip(path: Path) -> str:
    try:
        names = zip_names(path)
    except zipfile.BadZipFile as error:
        raise BadFile(f"is a broken zip file: {error}", _KIND, "export the model again") from None
    below = {name.partition("/")[2] for name in names}
    if "config.json" in names and any(name.endswith(".weights.h5") for name in names):
        return "keras"
    if "schema.json" in names:
        return "skops"
    if "serialized_exported_program.json" in names or {"archive_format", "models/model.json"} <= below:
        return "torch-export"
    if "constants.pkl" in below and any(name.startswith("code/") for name in below):
        return "torchscript"
    if "data.pkl" in below:
        return "pickle"  # of torch.save
    if _SAVED_MODEL in names | below:
        return "savedmodel"
    if "MAR-INF/MANIFEST.json" in names:
        raise BadFile("is an archive of TorchServe", _KIND, "name the model file that was packed into it")
    raise BadFile("is a zip file without a model that Slipway knows", _KIND, "name the model file itself")


def _tar(path: Path) -> str:
    try:
        names = tar_names(path)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadFile(f"is a broken tar file: {error}", _KIND, "pack it again") from None
    if any(name == _SAVED_MODEL or name.partition("/")[2] == _SAVED_MODEL for name in names):
        return "savedmodel"
    raise BadFile("is a tar file without the folder of a SavedModel", _KIND, "name the model file itself")


def _protobuf(path: Path) -> str | None:
    """ONNX has no magic: only reading it shows. A file of external data is not touched."""
    if path.stat().st_size > _ONNX_LIMIT:
        return None
    import onnx  # noqa: PLC0415 - takes longer to import than all the rest of `slipway --help`
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError:
        model = None
    if model is not None and model.ir_version and model.graph.output:
        return "onnx"
    if path.name == _SAVED_MODEL:
        raise BadFile("is one file of a SavedModel", _KIND, "name the folder that it is in")
    return None
