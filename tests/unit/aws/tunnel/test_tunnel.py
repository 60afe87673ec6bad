"""The tunnel to a private API server, with a stand-in for the AWS CLI that refuses what the real one refuses."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from slipway.aws.tunnel import keep, noted, session
from slipway.aws.tunnel.keep import Tunnel, target
from slipway.aws.tunnel.session import Target
from slipway.errors.failures import AwsRefused
from slipway.errors.tunnel import TunnelBehindProxy, TunnelNotOpen
from tests.unit.aws.tunnel import fake_aws

HOST = "0123456789abcdef.gr7.eu-central-1.eks.amazonaws.com"
BASTION = "i-0123456789abcdef0"


class FakeAccount:
    """The account of an environment; `cluster` and `bastion` say what is there."""

    account = "123456789012"

    def __init__(self, *, cluster: bool = True, bastion: bool = True) -> None:
        self.cluster, self.bastion = cluster, bastion

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        if (service, operation) == ("eks", "describe_cluster"):
            assert parameters == {"name": "slipway-prod"}
            if not self.cluster:
                raise AwsRefused(service, operation, "An error occurred (ResourceNotFoundException)")
            return {"cluster": {"endpoint": f"https://{HOST}", "certificateAuthority": {"data": "Y2E="}}}
        assert (service, operation) == ("ec2", "describe_instances")
        asked = {one["Name"]: one["Values"] for one in parameters["Filters"]}
        assert asked["tag:slipway:environment"] == ["prod"] and asked["instance-state-name"] == ["running"]
        instances = [{"InstanceId": BASTION}] if self.bastion else []
        return {"Reservations": [{"Instances": instances}]}


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the AWS CLI and its plugin, and nothing that names a proxy. Returns the folder of programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (
        ("aws", f'#!/bin/sh\nexec {sys.executable} {fake_aws.__file__} "$@"\n'),
        ("session-manager-plugin", "#!/bin/sh\n"),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_TARGET", BASTION)
    monkeypatch.setenv("FAKE_ENDS_AFTER", "100")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return programs


@asynccontextmanager
async def answering(word: bytes) -> AsyncIterator[int]:
    """A server that says a word and what it was told; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(word + await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def asked(proxy: int, where: str) -> bytes:
    """What answers at a host and port by way of a proxy; the proxy's own answer where it is not 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    writer.write(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head:
        writer.close()
        return head
    writer.write(b"hello\n")
    said = await reader.read()
    writer.close()
    return said


async def open_port(file: Path) -> int:
    """The port of a tunnel once it is noted and open."""
    for _ in range(400):
        if file.with_suffix(".kubeconfig").exists():
            return int(json.loads(file.read_text())["port"])
        await asyncio.sleep(0.05)
    raise AssertionError("the tunnel was not open within 20 s")


def file() -> Path:
    return noted.file_of("123456789012", "slipway-prod")


def test_the_api_server_is_reached_through_the_bastion_and_all_else_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    async def run() -> None:
        async with answering(b"api server: ") as api, answering(b"elsewhere: ") as elsewhere:
            monkeypatch.setenv("FAKE_LEADS_TO", str(api))
            ended = asyncio.Event()
            tunnel = asyncio.create_task(Tunnel(FakeAccount(), "prod", "eu-central-1", told.append).keep(ended))  # type: ignore[arg-type]
            port = await open_port(file())
            assert await asked(port, f"{HOST}:443") == b"api server: hello\n"
            assert await asked(port, f"127.0.0.1:{elsewhere}") == b"elsewhere: hello\n"
            env = {"NO_PROXY": "example.com"}
            assert noted.go_through(file(), env) == f"http://127.0.0.1:{port}" == env["HTTPS_PROXY"]
            assert env["no_proxy"] == "example.com,127.0.0.1,localhost"
            assert noted.go_through(file(), env) == env["HTTPS_PROXY"]
            config = file().with_suffix(".kubeconfig")
            (one,) = json.loads(config.read_text())["clusters"]
            assert (one["cluster"]["server"], one["cluster"]["proxy-url"]) == (f"https://{HOST}", env["HTTPS_PROXY"])
            assert [stat.S_IMODE(path.stat().st_mode) for path in (config, file(), file().parent)] == [
                0o600, 0o600, 0o700,
            ]  # fmt: skip
            # A connection that stays open, as a watch does, keeps nobody from ending the tunnel.
            _, open_ = await asyncio.open_connection("127.0.0.1", port)
            open_.write(f"CONNECT {HOST}:443 HTTP/1.1\r\n\r\n".encode())
            ended.set()
            await asyncio.wait_for(tunnel, 20)
            open_.close()
            assert noted.go_through(file(), {}) is None

    asyncio.run(run())
    assert told[-1] == f"the tunnel is open; for kubectl: export KUBECONFIG={file().with_suffix('.kubeconfig')}"


def test_a_session_that_aws_ended_is_started_anew_by_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ENDS_AFTER", "1")

    async def run() -> None:
        async with answering(b"again: ") as api:
            monkeypatch.setenv("FAKE_LEADS_TO", str(api))
            ended = asyncio.Event()
            tunnel = Tunnel(FakeAccount(), "prod", "eu-central-1", lambda _: None)  # type: ignore[arg-type]
            keeping = asyncio.create_task(tunnel.keep(ended))
            port = await open_port(file())
            for _ in range(3):
                assert await asked(port, f"{HOST}:443") == b"again: hello\n"
                reading = tunnel._session._reading
                assert reading is not None
                await asyncio.wait_for(reading, 20)
            ended.set()
            await asyncio.wait_for(keeping, 20)

    asyncio.run(run())


def opened(where: Target) -> None:
    async def run() -> None:
        one = session.Session("prod", "eu-central-1")
        try:
            await one.port(where)
        finally:
            await one.close()

    asyncio.run(run())


def test_an_instance_that_is_not_registered_yet_is_asked_again_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "_AGENT_LIMIT_S", 0.5)
    monkeypatch.setattr(session, "_AGAIN_S", 0.1)
    with pytest.raises(TunnelNotOpen, match=r"prod: .*TargetNotConnected.*i-other is not connected.*; next: check"):
        opened(Target("i-other", HOST, ""))


def test_what_the_aws_cli_refuses_is_said_in_its_words(machine: Path) -> None:
    (machine / "session-manager-plugin").unlink()
    with pytest.raises(TunnelNotOpen, match="SessionManagerPlugin is not found"):
        opened(Target(BASTION, HOST, ""))


def test_what_is_not_made_yet_is_waited_for_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert target(FakeAccount(cluster=False), "prod") is None  # type: ignore[arg-type]
    assert target(FakeAccount(bastion=False), "prod") is None  # type: ignore[arg-type]
    assert target(FakeAccount(), "prod") == Target(BASTION, HOST, "Y2E=")  # type: ignore[arg-type]
    monkeypatch.setattr(keep, "_MADE_LIMIT_S", 0.2)
    monkeypatch.setattr(keep, "_LOOK_AGAIN_S", 0.05)
    told: list[str] = []

    async def run() -> None:
        await Tunnel(FakeAccount(bastion=False), "prod", "eu-central-1", told.append).keep(asyncio.Event())  # type: ignore[arg-type]

    with pytest.raises(TunnelNotOpen, match=r"no running bastion within 0.2 s; next: see what `slipway up prod` says"):
        asyncio.run(run())
    assert sum("has no cluster or no running bastion yet" in text for text in told) == 1


def test_a_note_that_a_killed_tunnel_left_leads_nowhere() -> None:
    file().parent.mkdir(parents=True)
    for left in ('{"port": 9}', "{", "{}", '{"port": null}'):
        file().write_text(left)
        env: dict[str, str] = {}
        assert noted.go_through(file(), env) is None
        assert env == {}


def test_a_proxy_that_is_set_already_is_refused_rather_than_gone_past() -> None:
    async def run() -> None:
        async with answering(b"") as port:
            with noted.noted(file(), port), pytest.raises(TunnelBehindProxy, match="HTTPS_PROXY is set"):
                noted.go_through(file(), {"HTTPS_PROXY": "http://proxy.example.com:3128"})

    asyncio.run(run())
