"""The provider as a process: tells its port, answers the protocol, quits cleanly, refuses what it does not do."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from slipway.local.plugins.protocol.properties import decode, encode
from tests.support.other_user import NOBODY, needs_root, relay

pytestmark = pytest.mark.integration


class Running:
    """A provider process, a stub of it and its files."""

    def __init__(self, folder: Path) -> None:
        self.port_file, self.log = folder / "state" / "port", folder / "log"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "slipway.local.plugins.kubernetes",
                "--port-file",
                str(self.port_file),
                "--log",
                str(self.log),
            ],
            env={key: value for key, value in os.environ.items() if key != "KUBECONFIG"} | {"HOME": str(folder)},
        )
        until = time.monotonic() + 30
        while not self.port_file.exists():
            assert self.process.poll() is None, "the provider ended at once"
            assert time.monotonic() < until, "the provider wrote no port file within 30 s"
            time.sleep(0.05)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port_file.read_text().strip()}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    provider = Running(tmp_path_factory.mktemp("provider"))
    yield provider
    provider.channel.close()
    provider.process.terminate()
    assert provider.process.wait(10) == 0


def refused(call: Any, request: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return str(caught.value.details())


def test_the_port_file_is_for_its_owner_alone(running: Running) -> None:
    assert stat.S_IMODE(running.port_file.stat().st_mode) == 0o600


def test_it_says_in_its_log_that_it_is_a_stand_in(running: Running) -> None:
    assert "stand-in for the pulumi-kubernetes plugin" in running.log.read_text()


def test_it_answers_what_an_engine_asks_first(running: Running) -> None:
    stub = running.stub
    stub.Attach(plugin_pb2.PluginAttach(address=""))
    assert stub.GetPluginInfo(Empty()).version == version("pulumi-kubernetes")
    assert json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)["name"] == "kubernetes"
    assert stub.GetMapping(provider_pb2.GetMappingRequest(key="terraform")).provider == ""
    assert list(stub.GetMappings(provider_pb2.GetMappingsRequest(key="terraform")).providers) == []


def test_a_setting_that_is_not_supported_is_a_check_failure_of_that_property(running: Running) -> None:
    answer = running.stub.CheckConfig(
        provider_pb2.CheckRequest(news=encode({"helmReleaseSettings": "{}", "namespace": "a"}))
    )
    assert [failure.property for failure in answer.failures] == ["helmReleaseSettings"]
    assert decode(answer.inputs)["namespace"] == "a"


@pytest.mark.parametrize(
    ("method", "request_", "named"),
    [
        ("Invoke", provider_pb2.InvokeRequest(tok="kubernetes:yaml:decode"), "kubernetes:yaml:decode"),
        ("Construct", provider_pb2.ConstructRequest(type="kubernetes:helm.sh/v4:Chart"), "kubernetes:helm.sh/v4:Chart"),
        ("Call", provider_pb2.CallRequest(tok="kubernetes:x:y/z"), "kubernetes:x:y/z"),
        ("Parameterize", provider_pb2.ParameterizeRequest(), "parameterized packages"),
    ],
)
def test_what_it_does_not_do_is_refused_by_name(running: Running, method: str, request_: Any, named: str) -> None:
    told = refused(getattr(running.stub, method), request_)
    assert named in told
    assert "this stand-in for the pulumi-kubernetes plugin" in told


def test_a_connection_that_was_not_configured_is_told_to_run_again(tmp_path: Path) -> None:
    provider = Running(tmp_path)
    try:
        told = refused(
            provider.stub.Create, provider_pb2.CreateRequest(urn="urn:pulumi:a::b::kubernetes:core/v1:Secret::c")
        )
        assert "run the command again" in told
    finally:
        provider.process.terminate()
        assert provider.process.wait(10) == 0


@needs_root
@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Handshake", provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1")),
        ("Attach", plugin_pb2.PluginAttach(address="127.0.0.1:1")),
        ("Configure", provider_pb2.ConfigureRequest()),
        ("Create", provider_pb2.CreateRequest(urn="urn:pulumi:a::b::kubernetes:core/v1:Pod::c")),
        ("GetPluginInfo", Empty()),
    ],
)
def test_another_user_of_the_machine_is_refused_whatever_he_asks_for(
    running: Running, method: str, request_: Any
) -> None:
    port = int(running.port_file.read_text())
    with relay(port, NOBODY) as near, grpc.insecure_channel(f"127.0.0.1:{near}") as channel:
        told = refused(getattr(provider_pb2_grpc.ResourceProviderStub(channel), method), request_)
    assert f"serves processes of uid 0 and root, and this connection is of uid {NOBODY}" in told


def test_a_kubeconfig_that_does_not_exist_is_refused_with_its_path(running: Running) -> None:
    told = refused(
        running.stub.Configure, provider_pb2.ConfigureRequest(args=encode({"kubeconfig": "/nowhere/config"}))
    )
    assert told.startswith("kubeconfig /nowhere/config cannot be read")


def test_sigterm_ends_it_cleanly_and_takes_the_port_file_away(tmp_path: Path) -> None:
    provider = Running(tmp_path)
    provider.process.send_signal(signal.SIGTERM)
    assert provider.process.wait(10) == 0
    assert not provider.port_file.exists()
