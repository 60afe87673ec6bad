"""Load pickles: scanned before, and with nothing reachable while they load but what such models are made of.

Opcodes alone cannot be trusted: joblib writes arrays raw between them, so that no scanner sees what comes after the
first one. What a pickle asks for is therefore also judged while it is loaded, by Python's audit event for it.
"""

import importlib
import sys

import joblib
import step
from picklescan.scanner import SafetyLevel, scan_file_path

_BUILTINS = frozenset(
    [
        *("object", "type", "dict", "list", "set", "frozenset", "tuple", "slice", "range"),
        *("int", "float", "complex", "bool", "str", "bytes", "bytearray"),
    ]
)
_NUMPY = frozenset(
    [
        *("dtype", "ndarray", "scalar", "_reconstruct", "_frombuffer", "_ufunc_reconstruct"),
        *("float32", "float64", "int32", "int64", "bool", "bool_", "str_", "datetime64"),
        *("RandomState", "Generator", "MT19937", "PCG64", "BitGenerator", "SeedSequence"),
        *("__randomstate_ctor", "__generator_ctor", "__bit_generator_ctor", "__pyx_unpickle_SeedSequence"),
    ]
)
_NAMES = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,
    "copyreg": ["_reconstructor", "__newobj__"],
    "copy_reg": ["_reconstructor"],
    "collections": ["OrderedDict", "defaultdict", "Counter", "deque"],
    "_codecs": ["encode"],
}
"""What may be had of modules that have more than models need."""
_PACKAGES = ("sklearn", "scipy.sparse", "joblib.numpy_pickle", "xgboost", "lightgbm")
_ALLOWED = "estimators of scikit-learn, XGBoost and LightGBM, with arrays of numpy"
_TODO = "save the model as skops (skops.io.dump) or ONNX, or without classes and functions of your own"


def load(path):
    """What a pickle or a joblib dump holds."""
    _scan(path)
    sys.addaudithook(_judge)
    try:
        return joblib.load(path)
    except step.Refused:
        raise
    except Exception as error:
        raise step.Refused(
            f"the pickle cannot be loaded: {step.shortened(error)}",
            f"a pickle that scikit-learn {importlib.import_module('sklearn').__version__} and joblib load",
            "save the model with these versions, or as skops or ONNX",
        ) from error


def _scan(path):
    found = scan_file_path(str(path))
    dangerous = sorted({f"{g.module}.{g.name}" for g in found.globals if g.safety is SafetyLevel.Dangerous})
    if dangerous:
        raise step.Refused(
            f"the pickle runs {', '.join(dangerous[:5])} when it is loaded (picklescan); it was not loaded",
            _ALLOWED,
            "find out who made this file, and do not load it anywhere",
        )


def _judge(event, arguments):
    """Called by Python for every class or function that any unpickler is about to fetch."""
    if event != "pickle.find_class":
        return
    module, name = arguments
    if not _allowed(module, name):
        raise step.Refused(f"the pickle asks for {module}.{name}; it was not loaded", _ALLOWED, _TODO)


def _allowed(module, name):
    if module in _NAMES:
        return name in _NAMES[module]
    if module.partition(".")[0] == "numpy":
        return name in _NUMPY
    if not of_packages(module) or "." in name:
        return False
    # What a module of theirs has imported, such as a function that fetches a URL, is not theirs.
    found = getattr(importlib.import_module(module), name, None)
    return of_packages(getattr(found, "__module__", None) or "")


def of_packages(module):
    """Whether a module, or a class by its whole name, is of the libraries whose models are loaded."""
    return any(module == package or module.startswith(f"{package}.") for package in _PACKAGES)
