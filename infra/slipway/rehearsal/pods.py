"""Answer for the pods of models: kwok's run nothing, so the real model server of each runs here, beside the cluster.

The API server sends what is for pods through this program (its egress selector: a CONNECT for each connection). The
first one to a pod starts the server of that pod as its image would: with the weights of the image's build context, and
with the configuration and the gateway's key that the cluster has for it. Two things differ from a container: a server
that should compute on a GPU does so on this machine's CPU, and nothing but its own care holds it to the pod's memory.
Pods of anything else do not answer.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway_server.values.config import VARIABLE

from slipway.cluster.api import Cluster
from slipway.local.plugins.protocol.server import asked_to_stop
from slipway.rehearsal.pod_files import NoServer, lay_out, pod_at
from slipway.rehearsal.processes import free_ports
from slipway.values.aliases import Json

_CHUNK_BYTES = 1 << 16


@dataclass
class _Running:
    """The server of one pod."""

    process: asyncio.subprocess.Process
    port: int


class Pods:
    """The pods of one cluster, and the servers that run for them. `folder`: for their files and what they print."""

    def __init__(self, cluster: Cluster, images: Path, folder: Path) -> None:
        """Nothing is started before it is asked for."""
        self._cluster = cluster
        self._images = images
        self._folder = folder
        self._running: dict[str, _Running] = {}
        self._starting = asyncio.Lock()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one CONNECT, and pass on what follows it, both ways, until either side ends."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            address, _, port = head.split()[1].rpartition(":")
            try:
                there = await self._reach(address, int(port))
            except (NoServer, OSError) as error:
                print(f"{address}:{port}: {error}", flush=True)
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
        writer.close()

    async def stop(self) -> None:
        """End all servers."""
        for one in self._running.values():
            if one.process.returncode is None:
                one.process.kill()
            await one.process.wait()

    async def _reach(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server of the pod that has an address; raises `NoServer` or OSError."""
        pod = await asyncio.to_thread(pod_at, self._cluster, address, port)
        async with self._starting:
            running = self._running.get(pod["metadata"]["uid"]) or await self._start(pod)
        if running.process.returncode is not None:
            raise NoServer(f"its server ended with {running.process.returncode}")
        # It listens once it may serve; until then whoever asks is refused. Kwok's pods are ready before that.
        return await asyncio.open_connection("127.0.0.1", running.port)

    async def _start(self, pod: Json) -> _Running:
        """Start the server of a pod, and end those of pods that are gone."""
        there = await asyncio.to_thread(self._cluster.request, "GET", "/api/v1/pods")
        uids = {one["metadata"]["uid"] for one in json.loads(there)["items"]}
        for uid in self._running.keys() - uids:
            gone = self._running.pop(uid)
            if gone.process.returncode is None:
                gone.process.kill()
            await gone.process.wait()
        uid, (port,) = pod["metadata"]["uid"], free_ports(1)
        folder = self._folder / uid
        config = await asyncio.to_thread(lay_out, self._cluster, pod, self._images, folder, port)
        with (folder / "server.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "slipway_server"),
                env={**os.environ, VARIABLE: str(config)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running[uid] = _Running(process, port)
        return self._running[uid]


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy one direction of a connection to its end."""
    with contextlib.suppress(OSError):
        while data := await source.read(_CHUNK_BYTES):
            target.write(data)
            await target.drain()
    target.close()


async def _serve(arguments: argparse.Namespace) -> None:
    kubeconfig = json.loads(arguments.kubeconfig.read_text())
    cluster = Cluster(kubeconfig["current-context"], "default", kubeconfig)
    pods = Pods(cluster, arguments.images, arguments.folder)
    server = await asyncio.start_unix_server(pods.connect, arguments.socket)
    stop = asked_to_stop()
    print(json.dumps({"socket": str(arguments.socket)}), flush=True)
    await stop.wait()
    server.close()
    await pods.stop()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.rehearsal.pods", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="socket that the API server connects to")
    parser.add_argument("--kubeconfig", type=Path, required=True, help="an administrator's, with a token")
    parser.add_argument("--images", type=Path, required=True, help="folder in which the Docker stand-in keeps weights")
    parser.add_argument("--folder", type=Path, required=True, help="folder for files and logs of the servers")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
