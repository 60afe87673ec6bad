"""An environment that lost its states and its database is restored: old keys work, and nothing has to change."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.values.names import KEYS_DATABASE
from tests.integration.gateway.test_gateway import caller, gated, ledger
from tests.support.behind_gateway import ledger as rows
from tests.support.looking import until
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

__all__ = ["gated"]


def rows_of(bench: Workbench, key: str) -> list[dict[str, Any]]:
    """Whole lines of the ledger, as PostgreSQL itself has them."""
    return [dict(row) for row in rows(bench, f"SELECT * FROM ledger WHERE key = '{key}' ORDER BY request_id")]


def lose_states(bench: Workbench) -> None:
    backend = Path({**os.environ, **bench.environ}["PULUMI_BACKEND_URL"].removeprefix("file://"))
    lost = list((backend / ".pulumi").glob(f"*/slipway/{bench.environment}*"))
    assert lost
    for path in lost:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for folder in ("slipway-history", "slipway-audit"):
        shutil.rmtree(backend / folder / bench.environment)


def lose_database(bench: Workbench) -> None:
    for kind in ("Deployment", "PersistentVolumeClaim"):
        bench.cluster.delete(kind, KEYS_DATABASE)
    until("the volume is gone", lambda: not bench.cluster.exists("PersistentVolumeClaim", KEYS_DATABASE), 90)


def pods(bench: Workbench) -> set[str]:
    """The pods of models."""
    return {pod["metadata"]["name"] for pod in bench.cluster.list("Pod", "app.kubernetes.io/name in (sums, other)")}


def test_what_was_lost_is_restored_and_nothing_has_to_be_deployed(gated: Workbench) -> None:
    first = gated.up()
    assert first.returncode == 0, first.stdout + first.stderr
    call = caller(gated)
    made = json.loads(gated.well(
        "keys", "create", gated.environment, "--name", "Web shop", "--models", "sums", "--json"
    ))  # fmt: skip
    as_client = {"authorization": f"Bearer {made['key']}"}
    assert [call("sums", **as_client)[0] for _ in range(3)] == [200, 200, 200]
    assert [row["calls"] for row in ledger(gated, made["id"])] == [3]
    lines = rows_of(gated, made["id"])
    assert len(lines) == 3
    history = gated.well("history", gated.environment, "sums", "--json")

    head = gated.well("audit", gated.environment, "--verify").splitlines()[-1]
    backups = gated.folder / "backups"
    backup = gated.well("backup", gated.environment, "--to", str(backups)).strip()
    assert Path(backup).parent == backups
    assert Path(backup).stat().st_mode & 0o077 == 0
    secret = made["key"].split("_", 2)[2].encode()
    assert not any(secret in path.read_bytes() for path in backups.rglob("*") if path.is_file())

    # Nothing is lost by mistake: a call and a revoked key after the backup are newer than it.
    assert call("sums", **as_client)[0] == 200
    assert [row["calls"] for row in ledger(gated, made["id"])] == [4]
    refused = gated.run("restore", gated.environment, "--from", backup, "--yes")
    assert (refused.returncode, "newer than the backup" in refused.stderr) == (1, True), refused.stderr
    assert [row["calls"] for row in ledger(gated, made["id"])] == [4]

    before = pods(gated)
    lose_states(gated)
    lose_database(gated)
    half = gated.run("restore", gated.environment, "--from", backup, "--yes")
    assert half.returncode == 2, half.stdout + half.stderr
    assert "--only ledger" in half.stderr
    assert gated.well("history", gated.environment, "sums", "--json") == history
    again = gated.up("--refresh")
    assert again.returncode == 0, again.stdout + again.stderr
    restored = gated.run("restore", gated.environment, "--from", backup, "--only", "ledger", "--yes")
    assert restored.returncode == 0, restored.stdout + restored.stderr

    assert rows_of(gated, made["id"]) == lines
    until("the key is known again", lambda: call("sums", **as_client)[0] == 200, 60)
    history = gated.well("history", gated.environment, "sums", "--json")
    unchanged = gated.up()
    assert unchanged.returncode == 0, unchanged.stdout + unchanged.stderr
    # Nothing was deployed, neither now nor by the run that made the database: the pods are the same.
    assert gated.well("history", gated.environment, "sums", "--json") == history
    assert pods(gated) == before

    # What was called meanwhile is lost only to somebody who says so.
    call_is_newer = gated.run("restore", gated.environment, "--from", backup, "--only", "ledger", "--yes")
    assert call_is_newer.returncode == 1
    with_flag = ("restore", gated.environment, "--from", backup, "--only", "ledger", "--yes", "--overwrite-newer")
    gated.well(*with_flag)
    assert rows_of(gated, made["id"]) == lines
    until("the key is known again", lambda: call("sums", **as_client)[0] == 200, 60)

    # The audit trail went with the states and came back with them; it goes on from what the backup had.
    said = gated.well("audit", gated.environment, "--verify", "--expect", head)
    assert "each as it was written; the expected hash is of record" in said
    records = json.loads(gated.well("audit", gated.environment, "--json"))["records"]
    actions = [(one["action"], one["outcome"]) for one in records]
    # The update after the loss told the engine of all objects again, and notes that for each model.
    assert [one for one in actions if one[0] in ("begin", "settings", "deploy", "key create")][:5] == [
        ("begin", "done"),
        ("settings", "done"),
        ("deploy", "passed"),
        ("deploy", "passed"),
        ("key create", "done"),
    ]
    assert [one for one in actions if one[0] in ("up", "restore")][:2] == [("up", "done"), ("restore", "done")]
    assert secret not in json.dumps(records).encode()

    # A file that was cut off is found before anything is changed.
    torn = Path(backup, "ledger.dump")
    torn.write_bytes(torn.read_bytes()[:-1])
    cut = gated.run(*with_flag)
    assert (cut.returncode, "cut off" in cut.stderr) == (1, True), cut.stderr
    assert call("sums", **as_client)[0] == 200
