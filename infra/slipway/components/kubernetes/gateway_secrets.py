"""The secrets of an environment: a component that makes them in the cluster, past the engine's state.

A resource's inputs and outputs are in the state, and a Secret's would be its content. So no resource holds them: the
component makes them through the API server while the program runs, and its only output is that they are there.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import pulumi

from slipway.cluster.api import Cluster
from slipway.cluster.gateway_secrets import GatewaySecrets, Wanted
from slipway.components.connection import Connection
from slipway.components.off_loop import off_loop, teller
from slipway.values.aliases import Tell

Ensure = Callable[[Connection, Tell], None]


@dataclass(frozen=True)
class EnsuredSecretsArgs:
    """`connection`: to the cluster. `ensure`: makes them; may take long. `needs`: known once the namespace is there."""

    connection: pulumi.Input[Connection]
    ensure: Ensure
    needs: pulumi.Output[str]


class EnsuredSecrets(pulumi.ComponentResource):
    """Secrets that are in their namespace. `ready` is True once they are; in a preview nothing is made or asked."""

    ready: pulumi.Output[bool]

    def __init__(self, name: str, args: EnsuredSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:kubernetes:EnsuredSecrets", name, None, opts)
        # As in ModelImage: a program runs in the loop of its own thread, and other programs run beside it.
        loop = asyncio.get_running_loop()
        known: asyncio.Future[bool] = loop.create_future()
        known.set_result(True)
        made = loop.create_task(self._made(args, loop))
        self.ready = pulumi.Output(resources={self}, future=made, is_known=known)
        self.register_outputs({"ready": self.ready})

    async def _made(self, args: EnsuredSecretsArgs, loop: asyncio.AbstractEventLoop) -> bool:
        """Make them."""
        if pulumi.runtime.is_dry_run():
            return True
        await args.needs.future()
        connection = await pulumi.Output.from_input(args.connection).future()
        if connection is None:
            raise pulumi.RunError("the way to the cluster is not known, so that its secrets cannot be made")
        await off_loop(loop, args.ensure, connection, teller(loop, self))
        return True


def ensure_secrets(environment: str, wanted: Wanted) -> Ensure:
    """Return what makes an environment's secrets in the cluster that it is given the way to."""

    def ensure(connection: Connection, tell: Tell) -> None:
        GatewaySecrets(_cluster(connection), environment, tell).ensure(wanted)

    return ensure


def ensure_capture_keys(environment: str) -> Ensure:
    """Return what makes the keys that samples are encrypted by, in the cluster that it is given the way to."""

    def ensure(connection: Connection, tell: Tell) -> None:
        GatewaySecrets(_cluster(connection), environment, tell).ensure_capture()

    return ensure


def _cluster(connection: Connection) -> Cluster:
    kubeconfig = json.loads(connection.kubeconfig) if connection.kubeconfig else None
    return Cluster(connection.context, connection.namespace, kubeconfig)
