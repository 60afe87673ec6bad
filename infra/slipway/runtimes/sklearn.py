"""Estimators of scikit-learn and models of XGBoost, in Slipway's own model server, on CPUs."""

from dataclasses import replace

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.onnxruntime import IMAGE


class SklearnRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "sklearn"
    formats: tuple[str, ...] = ("skops", "xgboost")
    without_gpu = "scikit-learn and XGBoost compute on CPUs here"
    image: ImageRecipe | None = replace(IMAGE, requirements="server/requirements-sklearn.txt", variables=())
