"""Who may speak to a gRPC server on loopback: this user and root, whatever port a caller comes from."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from slipway.local.host import peers
from tests.support.other_user import NOBODY, needs_root, relay

_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:2710 0100007F:1389 01 00000000:00000000 00:00000000 00000000  1000        0 222 1
   2: 0100007F:2711 0100007F:1389 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   3: 0100007F:2712 0100007F:1389 01 00000000:00000000 00:00000000 00000000     0        0 0 1
   4: 0100007F:2713 0100007F:138A 01 00000000:00000000 00:00000000 00000000     0        0 333 1
   5: 0A00000A:2714 0100007F:1389 01 00000000:00000000 00:00000000 00000000     0        0 444 1
"""
_TABLE6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr  uid
   0: 0000000000000000FFFF00000100007F:2710 0000000000000000FFFF00000100007F:1389 01 0:0 00:0 0  1001 0 222 1
"""


def test_the_owner_of_a_connection_is_the_one_of_the_socket_at_its_other_end() -> None:
    ends = [peers.other_end(table, ("127.0.0.1", 10000), 5001) for table in (_TABLE, _TABLE6)]
    assert [end and end.uid for end in ends] == [1000, 1001], "an IPv4 address may be written as IPv6"


@pytest.mark.parametrize(
    ("port", "why"),
    [
        (10001, "it is closed, so that the kernel lists it as root's"),
        (10002, "its process has closed it: the same"),
        (10003, "it leads to another port: another's connection may have the same port here"),
        (10004, "it does not come from loopback"),
        (10005, "there is none"),
    ],
)
def test_a_socket_that_says_nothing_about_the_caller_has_no_owner(port: int, why: str) -> None:
    assert peers.other_end(_TABLE, ("127.0.0.1", port), 5001) is None, why


def test_a_peer_that_is_no_address_of_loopback_is_refused() -> None:
    assert "no connection over loopback" in str(peers.refusal("unix:/tmp/socket", 5001))


def test_the_variables_of_the_process_at_the_other_end_are_found() -> None:
    script = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        argv = [sys.executable, "-c", script, str(port)]
        with subprocess.Popen(argv, env={"KUBECONFIG": "/a=b:/c", "PATH": os.environ["PATH"]}):
            link, (address, number) = server.accept()
            with link:
                found = peers.environment_of(f"ipv4:{address}:{number}", port)
        assert found["KUBECONFIG"] == "/a=b:/c"
        assert peers.environment_of(f"ipv4:127.0.0.1:{number}", port) == {}, "the connection is over"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers one method of each form and counts what reached it."""

    def __init__(self) -> None:
        self.reached = 0

    async def GetPluginInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        self.reached += 1
        return plugin_pb2.PluginInfo(version="1.2.3")

    async def List(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        self.reached += 1
        yield provider_pb2.ListResponse()


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """The same for a server of threads."""

    def __init__(self) -> None:
        self.reached = 0

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.reached += 1
        return plugin_pb2.PluginInfo(version="1.2.3")

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.reached += 1
        yield language_pb2.InstallDependenciesResponse()


Calls = Callable[[Any], tuple[Any, list[Any]]]


def through(port: int, uid: int, stub_of: Callable[[grpc.Channel], Any], calls: Calls) -> Any:
    """What the calls give when they come from `uid`; the error of the first that is refused."""
    with relay(port, uid) as near, grpc.insecure_channel(f"127.0.0.1:{near}") as channel:
        try:
            return calls(stub_of(channel))
        except grpc.RpcError as error:
            return error


def provider_calls(stub: Any) -> tuple[Any, list[Any]]:
    return stub.GetPluginInfo(Empty(), timeout=10), list(stub.List(provider_pb2.ListRequest(), timeout=10))


def provider_list_first(stub: Any) -> tuple[Any, list[Any]]:
    listed = list(stub.List(provider_pb2.ListRequest(), timeout=10))
    return stub.GetPluginInfo(Empty(), timeout=10), listed


def host_calls(stub: Any) -> tuple[Any, list[Any]]:
    asked = language_pb2.InstallDependenciesRequest()
    return stub.GetPluginInfo(Empty(), timeout=10), list(stub.InstallDependencies(asked, timeout=10))


def refused(answer: Any, uid: int) -> None:
    assert isinstance(answer, grpc.RpcError), answer
    assert answer.code() is grpc.StatusCode.PERMISSION_DENIED
    assert answer.details() == f"this: it serves processes of uid 0 and root, and this connection is of uid {uid}"


@needs_root
def test_a_server_of_coroutines_serves_its_user_and_refuses_another_before_anything_is_done() -> None:
    async def test() -> None:
        provider, gate = Provider(), peers.OwnPeers("this")
        server = grpc.aio.server(interceptors=[gate])
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        gate.port = server.add_insecure_port("127.0.0.1:0")
        await server.start()

        def ask(uid: int, calls: Calls) -> Awaitable[Any]:
            return asyncio.to_thread(through, gate.port, uid, provider_pb2_grpc.ResourceProviderStub, calls)

        try:
            for calls in (provider_calls, provider_list_first):
                refused(await ask(NOBODY, calls), NOBODY)
            assert provider.reached == 0
            info, listed = await ask(0, provider_calls)
            assert (info.version, len(listed), provider.reached) == ("1.2.3", 1, 2)
        finally:
            await server.stop(0)

    asyncio.run(asyncio.wait_for(test(), 60))


@needs_root
def test_a_server_of_threads_serves_its_user_and_refuses_another_before_anything_is_done() -> None:
    host, gate = Host(), peers.OwnPeersOfThreads("this")
    server = grpc.server(ThreadPoolExecutor(2), interceptors=[gate])
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    gate.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        refused(through(gate.port, NOBODY, language_pb2_grpc.LanguageRuntimeStub, host_calls), NOBODY)
        assert host.reached == 0
        info, installed = through(gate.port, 0, language_pb2_grpc.LanguageRuntimeStub, host_calls)
        assert (info.version, len(installed), host.reached) == ("1.2.3", 1, 2)
    finally:
        server.stop(0)
