"""The one contract between an environment's stack and the model stacks in it."""

from dataclasses import asdict, dataclass

import pulumi

from slipway.values.names import PROJECT

_OUTPUT = "connection"


@dataclass(frozen=True)
class Connection:
    """Where the models of an environment go. No credential is in it: those stay in kubeconfig, AWS CLI and Docker.

    `context`: of the kubeconfig; `namespace`: of the cluster; `registry`: host and path without scheme. `kubeconfig`:
    as JSON, where the cluster is the environment's own; the user's is used otherwise. `key`: ARN of the key that images
    and weights are encrypted with, where there is one.
    """

    context: str
    namespace: str
    registry: str
    kubeconfig: str | None = None
    key: str | None = None


def export(connection: pulumi.Input[Connection]) -> None:
    """Make it an output of the running environment stack."""
    pulumi.export(_OUTPUT, pulumi.Output.from_input(connection).apply(asdict))


def connection(environment: str) -> pulumi.Output[Connection]:
    """Read it from the environment's stack; the engine fails the program when that stack is not there."""
    reference = pulumi.StackReference(f"organization/{PROJECT}/{environment}")
    return reference.require_output(_OUTPUT).apply(lambda value: Connection(**value))
