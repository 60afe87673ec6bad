"""Estimators of scikit-learn and models of XGBoost and LightGBM, in Slipway's own model server, on CPUs."""

from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.locked import LockedRuntime, image_of


class SklearnRuntime(LockedRuntime):
    """See `slipway.runtimes.base.Runtime` for what each attribute and method is."""

    name = "sklearn"
    formats: tuple[str, ...] = ("skops", "xgboost", "lightgbm")
    without_gpu = "scikit-learn, XGBoost and LightGBM compute on CPUs here"
    image: ImageRecipe | None = image_of(
        "sklearn",
        (
            "LD_LIBRARY_PATH=/opt/slipway/deps/cmeel.prefix/lib",
            "LightGBM is linked with libgomp.so.1, which the base image lacks: LLVM's library of that name.",
        ),
        ("KMP_BLOCKTIME=1", "Its threads would spin for 200 ms after each answer, at the cost of the CPU limit."),
    )
    image_bytes = 126 * 2**20
    """84 MiB for the wheels of server/requirements-sklearn.txt (installed, as tar through gzip -6, 2026-11-26), and the
    assumption of ONNX Runtime's for Python."""
    server_bytes = 224 * 2**20
    """181 MiB were resident with a logistic regression of 64 columns, most of it scikit-learn and scipy, 2026-11-26."""
    server_start_s: float = 4
    """Rounded up from 3.6 s, measured as a process with one thread on a busy machine, 2026-11-26."""
