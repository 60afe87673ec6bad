"""Keep a tunnel to an environment's API server open until somebody ends it."""

import asyncio
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from slipway.aws.account import Account
from slipway.aws.kubeconfig import kubeconfig
from slipway.aws.tunnel.noted import file_of, noted, url
from slipway.aws.tunnel.proxy import proxy
from slipway.aws.tunnel.session import Session, Target
from slipway.errors.failures import AwsRefused
from slipway.errors.tunnel import TunnelNotOpen
from slipway.values import names

_LOOK_AGAIN_S = 15.0
_MADE_LIMIT_S = 3600.0
"""A first `up` takes half an hour to make what the tunnel leads through and to."""
_OF_EKS = re.compile(r"\.eks\.[a-z0-9.-]+$")
"""How the names of API servers of EKS end; the API of EKS itself is called otherwise."""

Tell = Callable[[str], None]


def target(account: Account, environment: str) -> Target | None:
    """The bastion and the API server of an environment as they are in the account; None while one is not there."""
    name = names.cluster(environment)
    try:
        cluster = account.call("eks", "describe_cluster", name=name)["cluster"]
    except AwsRefused as error:
        if "ResourceNotFoundException" in str(error):
            return None
        raise
    wanted = {
        "tag:Name": names.bastion(environment),
        f"tag:{names.ENVIRONMENT_TAG}": environment,
        "instance-state-name": "running",
    }
    filters = [{"Name": key, "Values": [value]} for key, value in wanted.items()]
    found = account.call("ec2", "describe_instances", Filters=filters)["Reservations"]
    instances = [item["InstanceId"] for reservation in found for item in reservation["Instances"]]
    host = urlsplit(cluster.get("endpoint") or "").hostname
    if not instances or host is None:
        return None
    return Target(instances[0], host, cluster["certificateAuthority"]["data"])


class Tunnel:
    """The tunnel of one environment. `tell` gets what people have to know."""

    def __init__(self, account: Account, environment: str, region: str, tell: Tell) -> None:
        """Nothing is opened yet."""
        self._account = account
        self._environment = environment
        self._region = region
        self._tell = tell
        self._session = Session(environment, region)

    async def keep(self, ended: asyncio.Event) -> None:
        """Keep it open until `ended`. Raises `TunnelNotOpen`, `AwsRefused`."""
        file = file_of(self._account.account, names.cluster(self._environment))
        config = file.with_suffix(".kubeconfig")
        try:
            async with proxy(self.port_to, self._tell) as port:
                with noted(file, port):
                    self._tell(f"slipway's commands about {self._environment} go through here; Ctrl-C ends it")
                    found = await self._made(ended)
                    if found is not None:
                        await self._session.port(found)
                        config.touch(mode=0o600)
                        address = f"https://{found.host}"
                        config.write_text(
                            kubeconfig(self._environment, self._region, address, found.authority, url(port))
                        )
                        self._tell(f"the tunnel is open; for kubectl: export KUBECONFIG={config}")
                        await ended.wait()
        finally:
            config.unlink(missing_ok=True)
            await self._session.close()

    async def port_to(self, host: str) -> int | None:
        """The port that leads to a host through the tunnel; None for all but the environment's API server."""
        if not _OF_EKS.search(host):
            return None
        found = await self._look()
        return await self._session.port(found) if found is not None and found.host == host.lower() else None

    async def _look(self) -> Target | None:
        return await asyncio.to_thread(target, self._account, self._environment)

    async def _made(self, ended: asyncio.Event) -> Target | None:
        """Wait for what the tunnel leads through and to; None when it ended before."""
        until = asyncio.get_running_loop().time() + _MADE_LIMIT_S
        told = False
        while (found := await self._look()) is None and not ended.is_set():
            if asyncio.get_running_loop().time() > until:
                reason = f"it had no cluster or no running bastion within {_MADE_LIMIT_S:g} s"
                raise TunnelNotOpen(self._environment, reason, f"see what `slipway up {self._environment}` says")
            if not told:
                told = True
                self._tell(
                    f"{self._environment} has no cluster or no running bastion yet: `slipway up {self._environment}` "
                    "in another shell makes them, and the tunnel opens as soon as it needs it"
                )
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_AGAIN_S)
        return found


def keep_open(account: Account, environment: str, region: str, tell: Tell) -> None:
    """Keep the tunnel of an environment open until Ctrl-C or SIGTERM. Raises `TunnelNotOpen`, `AwsRefused`."""

    async def run() -> None:
        ended = asyncio.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, ended.set)
        await Tunnel(account, environment, region, tell).keep(ended)

    asyncio.run(run())
    tell("the tunnel is closed")
