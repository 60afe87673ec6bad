"""The real engine holds back what depends on something that AWS makes known later: when it is made, and only then."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from slipway.components.aws import consistency
from slipway.engine.engine import Engine
from slipway.local.plugins.aws.backend import JOURNAL
from slipway.local.plugins.aws.journal import entries

_WAIT_S = 2.0
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder of a stand-in for AWS that the engine uses."""
    folder = tmp_path / "aws"
    (tmp_path / "backend").mkdir()
    argv = [sys.executable, "-m", "slipway.local.plugins.aws", "--state", str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as plugin:
        assert plugin.stdout is not None
        said = json.loads(plugin.stdout.readline())
        for name, value in {
            "PULUMI_BACKEND_URL": f"file://{tmp_path}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": f"aws:{said['port']}",
            "no_proxy": os.environ.get("no_proxy", "127.0.0.1"),
        }.items():
            monkeypatch.setenv(name, value)
        yield folder
        plugin.terminate()


def test_what_depends_on_it_begins_after_the_wait_and_a_second_run_does_not_wait(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def wait(_: pulumi.ResourceHookArgs) -> None:
        waited.append(consistency.KNOWN_S)
        await real(_)

    real = consistency._wait
    monkeypatch.setattr(consistency, "KNOWN_S", _WAIT_S)
    monkeypatch.setattr(consistency, "_wait", wait)

    def program() -> None:
        provider = aws.Provider("aws", region="eu-central-1", allowed_account_ids=["123456789012"])
        known = pulumi.ResourceOptions(provider=provider, hooks=consistency.known_later())
        first = aws.iam.Role("first", name="first", assume_role_policy=_TRUST, opts=known)
        after = pulumi.ResourceOptions(provider=provider, depends_on=[first])
        aws.iam.Role("second", name="second", assume_role_policy=_TRUST, opts=after)

    engine = Engine(tmp_path, {}, threading.Event())
    assert not engine.up("prod", program, lambda _: None, new=True).failed
    made = [entry for entry in entries(state / JOURNAL) if entry.operation == "CreateRole"]
    first, second = (datetime.fromisoformat(entry.time) for entry in made)
    assert (second - first).total_seconds() >= _WAIT_S
    assert waited == [_WAIT_S]
    assert engine.up("prod", program, lambda _: None, new=False).changes == {"same": 4}
    assert waited == [_WAIT_S]
