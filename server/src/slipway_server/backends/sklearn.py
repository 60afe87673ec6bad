"""Estimators of scikit-learn in skops archives, models of XGBoost and LightGBM: one input, a row for each answer."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import skops.io
import xgboost
from sklearn.base import is_classifier
from threadpoolctl import threadpool_limits

from slipway_server.backends.base import Cancellation, ModelError
from slipway_server.backends.declared import needed
from slipway_server.backends.refusals import said, uncomputable
from slipway_server.values.errors import ModelFault
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array

_PACKAGES = ("sklearn", "scipy.sparse", "xgboost", "lightgbm")
"""Whose classes an archive may name: what is in it is made of them, and loading it runs nothing else."""

_LIGHTGBM = b"tree\nversion="
"""What its files begin with."""


class _Model(Protocol):
    def ask(self, rows: Array) -> dict[str, Array]:
        """Answers by name."""
        ...


class SklearnSession:
    """One loaded model. `run` may be called from one thread at a time; a run cannot be ended early."""

    def __init__(self, path: Path, threads: int, declared: Signature | None = None) -> None:
        """Load the model.

        Args:
            path: a skops archive, or a file of XGBoost or LightGBM.
            threads: how many may work on one answer.
            declared: what its lock says it takes and gives; the file does not say it.

        Raises:
            ModelError: none of the three, a version that the libraries do not read, classes that are nobody's whose
                models are loaded, or no signature.
        """
        self.signature = needed(declared, path, "does not say what it takes")
        self._limits = threadpool_limits(threads)
        self._model: _Model = _model(path, threads)

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:  # noqa: ARG002 - none of the libraries can end a run
        """Return the outputs by name, each in the type that the lock says."""
        (rows,) = inputs.values()
        try:
            answered = self._model.ask(rows.ravel() if rows.dtype == object else rows)
        # The libraries' exceptions share no base class but Exception.
        except Exception as error:
            raise uncomputable(said(error)) from None
        outputs = {}
        for tensor in self.signature.outputs:
            if tensor.name not in answered:
                raise ModelFault(
                    tensor.name, f"is not what the model answers ({', '.join(answered)})", "the file that was locked"
                )
            outputs[tensor.name] = answered[tensor.name].astype(tensor.numpy_dtype, copy=False)
        return outputs


def _model(path: Path, threads: int) -> _Model:
    if zipfile.is_zipfile(path):
        return _Estimator(path)
    with path.open("rb") as stream:
        of_lightgbm = stream.read(len(_LIGHTGBM)) == _LIGHTGBM
    return _LightGbm(path, threads) if of_lightgbm else _XGBoost(path, threads)


class _Estimator:
    """An estimator of scikit-learn, or one of the others in its clothes."""

    def __init__(self, path: Path) -> None:
        try:
            unknown = skops.io.get_untrusted_types(file=path)
            foreign = [name for name in unknown if not _known(name)]
            if foreign:
                raise ModelError(
                    f"{path}: asks for {', '.join(foreign[:5])}; allowed: classes of scikit-learn, XGBoost, LightGBM"
                )
            self._model: Any = skops.io.load(path, trusted=unknown)
        except ModelError:
            raise
        # What skops raises is of many kinds, as what an archive of another version lacks.
        except Exception as error:
            raise ModelError(f"{path}: skops cannot load it: {said(error)}") from None
        # Further processes would each be a second server in memory, and more threads than the pod's CPU has.
        if hasattr(self._model, "get_params"):
            names = self._model.get_params()
            jobs = [name for name in names if name == "n_jobs" or name.endswith("__n_jobs")]
            self._model.set_params(**dict.fromkeys(jobs, 1))

    def ask(self, rows: Array) -> dict[str, Array]:
        """Answers as the tools that convert to ONNX name them (tools/trees)."""
        if not hasattr(self._model, "predict"):
            return {"transformed": _dense(self._model.transform(rows))}
        if not is_classifier(self._model):
            return {"prediction": np.asarray(self._model.predict(rows))}
        answered = {"label": np.asarray(self._model.predict(rows))}
        if hasattr(self._model, "predict_proba"):
            answered["probabilities"] = np.asarray(self._model.predict_proba(rows))
        return answered


class _XGBoost:
    """A model of XGBoost in its own format."""

    def __init__(self, path: Path, threads: int) -> None:
        self._model = xgboost.Booster({"nthread": threads})
        try:
            self._model.load_model(bytearray(path.read_bytes()))
        except xgboost.core.XGBoostError as error:
            raise ModelError(f"{path}: XGBoost cannot load it: {said(error)}") from None
        self._model.feature_names = None  # a request has columns by their number
        self._objective = str(json.loads(self._model.save_config())["learner"]["objective"]["name"])

    def ask(self, rows: Array) -> dict[str, Array]:
        """Answers as the tools that convert to ONNX name them."""
        return _of_trees(self._model.predict(xgboost.DMatrix(rows)), self._objective)


class _LightGbm:
    """A model of LightGBM in its own format."""

    def __init__(self, path: Path, threads: int) -> None:
        import lightgbm  # noqa: PLC0415 - it needs a library of the system, which the image brings and few else have

        self._threads = threads
        try:
            self._model = lightgbm.Booster(model_file=str(path))
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"{path}: LightGBM cannot load it: {said(error)}") from None
        self._objective = str(self._model.params.get("objective", "regression"))

    def ask(self, rows: Array) -> dict[str, Array]:
        """Answers as the tools that convert to ONNX name them."""
        return _of_trees(np.asarray(self._model.predict(rows, num_threads=self._threads)), self._objective)


def _of_trees(predicted: Array, objective: str) -> dict[str, Array]:
    """Classes have probabilities, whose largest is the label; everything else is a number."""
    if predicted.ndim == 2:
        return {"label": predicted.argmax(axis=1), "probabilities": predicted}
    if objective.startswith("binary") and objective != "binary:hinge":
        return {"label": (predicted > 0.5).astype(np.int64), "probabilities": np.stack([1 - predicted, predicted], 1)}
    return {"prediction": predicted}


def _known(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in _PACKAGES)


def _dense(array: Any) -> Array:
    return np.asarray(array.toarray() if hasattr(array, "toarray") else array)
