"""The one contract between an environment's stack and the model stacks in it."""

from dataclasses import asdict, dataclass

import pulumi

from infra.names import PROJECT

_OUTPUT = "connection"


@dataclass(frozen=True)
class Connection:
    """Where the models of an environment go. No credential is in it: those stay in kubeconfig and Docker.

    `context`: of the kubeconfig; `namespace`: of the cluster; `registry`: host and path without scheme.
    """

    context: str
    namespace: str
    registry: str

    def export(self) -> None:
        """Make it an output of the running environment stack."""
        pulumi.export(_OUTPUT, asdict(self))


def connection(environment: str) -> pulumi.Output[Connection]:
    """Read it from the environment's stack; the engine fails the program when that stack is not there."""
    reference = pulumi.StackReference(f"organization/{PROJECT}/{environment}")
    return reference.require_output(_OUTPUT).apply(lambda value: Connection(**value))
