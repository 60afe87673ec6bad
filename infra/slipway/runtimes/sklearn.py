"""Estimators of scikit-learn and models of XGBoost and LightGBM, in Slipway's own model server, on CPUs."""

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime
from slipway.runtimes.model_server import image_of, libomp


class SklearnRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "sklearn"
    formats: tuple[str, ...] = ("skops", "xgboost", "lightgbm")
    without_gpu = "scikit-learn, XGBoost and LightGBM compute on CPUs here"
    image: ImageRecipe | None = image_of("requirements-sklearn.txt", *libomp("LightGBM", after="answer"))
    image_bytes = 131 * 2**20
    """89 MiB for the wheels of server/requirements-sklearn.txt (installed, as tar through gzip -6, 2026-11-26), and the
    assumption of ONNX Runtime's for Python."""
    server_bytes = 224 * 2**20
    """181 MiB were resident with a logistic regression of 64 columns, most of it scikit-learn and scipy, 2026-11-26."""
    server_start_s: float = 4
    """Rounded up from 3.6 s, measured as a process with one thread on a busy machine, 2026-11-26."""
