"""Forward a port of this machine through Session Manager: the AWS CLI and its plugin do it, one process for both."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections import deque
from dataclasses import dataclass

from slipway.errors.tunnel import TunnelNotOpen

DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
"""The one kind of session that the deploying role may have (docs/how-to/aws/deploy-bastion-policy.json)."""
_OPEN_LIMIT_S = 30.0
_AGENT_LIMIT_S = 120.0
"""An instance registers with Session Manager a minute after it was started."""
_AGAIN_S = 5.0
_END_LIMIT_S = 5.0
_READY = "Waiting for connections"
_NO_AGENT = "TargetNotConnected"


@dataclass(frozen=True)
class Target:
    """Where a session goes: through an instance to a host. `authority`: of the host's certificate, PEM in base64."""

    instance: str
    host: str
    authority: str


class Session:
    """One session at a time, started when it is first needed, and anew when AWS ended it (20 minutes without use)."""

    def __init__(self, environment: str, region: str) -> None:
        """Nothing is started yet."""
        self._environment = environment
        self._region = region
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0
        self._said: deque[str] = deque(maxlen=5)
        self._lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def port(self, target: Target) -> int:
        """The port of this machine that leads to the target. Raises `TunnelNotOpen` in the AWS CLI's own words."""
        async with self._lock:
            if self._process is None or self._process.returncode is not None:
                await self._open(target)
            return self._port

    async def close(self) -> None:
        """End the session, and the plugin with it."""
        process, self._process = self._process, None
        for one in (signal.SIGTERM, signal.SIGKILL):
            if process is None or process.returncode is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, one)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_LIMIT_S)
        if self._reading is not None:
            await self._reading

    async def _open(self, target: Target) -> None:
        until = asyncio.get_running_loop().time() + _AGENT_LIMIT_S
        while not await self._started(target):
            said = " ".join(self._said) or "`aws ssm start-session` ended without a word"
            if _NO_AGENT not in said or asyncio.get_running_loop().time() > until:
                todo = "check that the caller may have sessions (UseBastion in deploy-bastion-policy.json), and run"
                raise TunnelNotOpen(self._environment, said, f"{todo} `slipway tunnel {self._environment}` again")
            await asyncio.sleep(_AGAIN_S)

    async def _started(self, target: Target) -> bool:
        """Start a session; whether it takes connections. It is told its port: which it drew it would only print."""
        await self.close()
        self._said.clear()
        self._port = _free_port()
        given = {"host": [target.host], "portNumber": ["443"], "localPortNumber": [str(self._port)]}
        # A session of its own, so that both processes can be ended, and Ctrl-C reaches neither before us.
        self._process = process = await asyncio.create_subprocess_exec(
            *("aws", "ssm", "start-session", "--region", self._region, "--target", target.instance),
            *("--document-name", DOCUMENT, "--parameters", json.dumps(given)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read(process, process.stdout or asyncio.StreamReader(), ready))
        try:
            async with asyncio.timeout(_OPEN_LIMIT_S):
                await ready.wait()
        except TimeoutError:
            await self.close()
            self._said.append(f"`aws ssm start-session` took no connections within {_OPEN_LIMIT_S:g} s")
            return False
        return process.returncode is None

    async def _read(
        self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, ready: asyncio.Event
    ) -> None:
        """Keep the last lines, and say when it takes connections or has ended."""
        async for line in output:
            text = line.decode(errors="replace").strip()
            if text:
                self._said.append(text)
            if _READY in text:
                ready.set()
        await process.wait()
        ready.set()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
