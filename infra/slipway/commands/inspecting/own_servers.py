"""Ask a live model whose image brings its own server: in one of its pods, since no pass opens the way to it."""

from slipway.artifacts.golden_request import Asked
from slipway.commands.context import EnvironmentContext
from slipway.deploy.own_judge import ready_pods
from slipway.errors.failures import ModelNotServing


def asked_in_a_pod(context: EnvironmentContext, model: str, asked: Asked, body: bytes, limit_s: float) -> bytes:
    """The answer of a pod that is ready, of whatever release is live; raises `ModelNotServing` where none is."""
    for pod, _ in ready_pods(context.cluster, model, None)[:1]:
        return context.cluster.through_pod(pod, asked.port, asked.path, body, "application/json", limit_s)
    raise ModelNotServing(context.name, model)
