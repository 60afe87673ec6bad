"""Seldon's MLServer: settings.json, and model-settings.json beside the weights."""

import json
from typing import Any

from slipway.catalog.pod_contract import GRPC_PORT, SERVER_PORT
from slipway.runtimes.base import ImageRecipe
from slipway.runtimes.custom import WEIGHTS_FOLDER
from slipway.runtimes.others.base import PACKAGE, OpenInference, Wanted, wheels_recipe


class MLServerRuntime(OpenInference):
    """MLServer has no runtime of ONNX: one of Slipway's, in the image that Slipway builds, runs the model in it."""

    name = "mlserver"
    image: ImageRecipe | None = wheels_recipe("mlserver")
    image_bytes = 200 * 2**20
    server_start_s: float = 6
    program = ("mlserver",)
    takes_images = False

    def files(self, wanted: Wanted) -> dict[str, str]:
        """The settings of the server, and those of the model."""
        return {
            "settings.json": _json(_settings(self.metrics_port, self.metrics_path)),
            f"{wanted.name}/model-settings.json": _json(self._model(wanted)),
        }

    def weights_path(self, wanted: Wanted) -> str:
        """Beside the model's settings."""
        return f"{wanted.name}/{wanted.weights}"

    def arguments(self, wanted: Wanted) -> list[str]:
        """The folder of all settings."""
        return ["start", WEIGHTS_FOLDER, *wanted.extra]

    def _model(self, wanted: Wanted) -> dict[str, Any]:
        return {
            "name": wanted.name,
            "implementation": f"{PACKAGE}.mlserver_model.OnnxModel",
            "max_batch_size": wanted.max_rows if wanted.max_rows > 1 else 0,
            "max_batch_time": wanted.max_wait_s if wanted.max_rows > 1 else 0,
            "parameters": {
                "uri": f"{WEIGHTS_FOLDER}/{self.weights_path(wanted)}",
                "extra": {"threads": wanted.threads},
            },
        }


def _settings(metrics_port: int, metrics_path: str) -> dict[str, Any]:
    return {
        "debug": False,
        "host": "0.0.0.0",  # noqa: S104 - inside the pod; the NetworkPolicy says who gets there
        "http_port": SERVER_PORT,
        "grpc_port": GRPC_PORT,
        "metrics_port": metrics_port,
        "metrics_endpoint": metrics_path,
        # One process, as in every pod: replicas are the cluster's.
        "parallel_workers": 0,
        "load_models_at_startup": True,
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"
