"""What a person sees of live models, and where a command looks for the files of a project."""

import base64
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from slipway.cli import cli
from slipway.cluster.pods import cold_start_s
from slipway.commands.context import EnvironmentContext, Folders
from slipway.commands.inspecting import live as live_commands
from slipway.commands.inspecting import predicting
from slipway.commands.inspecting.live import curl
from slipway.commands.inspecting.predicting import show_prediction
from slipway.errors.base import UserError
from slipway.errors.failures import ModelNotServing
from slipway.runtimes.onnxruntime import OnnxRuntime
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.model import ModelSpec
from slipway.spec.others import own
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import planned, release_of
from tests.unit.deploy.update.test_telling import PLAN as ROLLOUT
from tests.unit.planner.test_others import UNFINISHED, Project

Manifest = dict[str, Any]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def labels(name: str, release: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/managed-by": "slipway",
        "app.kubernetes.io/version": "1.0.0",
        "slipway.dev/release": release,
        "slipway.dev/verified": release,
    }


def pod(release: str, ready: str | None, *, created: str = "2026-11-26T01:00:00Z", restarts: int = 0) -> Manifest:
    conditions = [{"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": ready or created}]
    return {
        "metadata": {"creationTimestamp": created, "labels": {"slipway.dev/release": release}},
        "status": {"conditions": conditions, "containerStatuses": [{"restartCount": restarts}]},
    }


def test_a_cold_start_is_what_the_quickest_pod_of_the_release_took() -> None:
    pods = [pod("new", "2026-11-26T01:00:12Z"), pod("new", "2026-11-26T01:00:10Z"), pod("old", "2026-11-26T01:00:02Z")]
    assert cold_start_s(pods, "new", 60) == 10


@pytest.mark.parametrize(
    "told_nothing",
    [
        pod("new", None),
        pod("new", "2026-11-26T01:00:10Z", restarts=1),
        pod("new", "2026-11-27T01:00:10Z"),
        {"metadata": {"creationTimestamp": "2026-11-26T01:00:00Z", "labels": {"slipway.dev/release": "new"}}},
    ],
)
def test_a_pod_that_is_not_ready_or_was_ready_before_tells_no_cold_start(told_nothing: Manifest) -> None:
    assert cold_start_s([told_nothing], "new", 60) is None


class Live:
    """A cluster with live models of these names, each with one pod."""

    def __init__(self, *names: str, noted: str | None = None, judged: Mapping[str, str] | None = None) -> None:
        self._names = names
        self._noted = noted
        self._judged = judged

    def metadata(self, kind: str, selector: str) -> list[Manifest]:
        if kind == "Deployment":  # of candidates
            return []
        annotations = {"slipway.dev/cold-start": self._noted} if self._noted is not None else {}
        suffixes = ("verified",) if self._judged is None else ("verified", "rollout")
        return [
            {"metadata": {"name": f"{name}-{suffix}", "annotations": annotations}}
            for name in self._names
            for suffix in suffixes
        ]

    def read(self, kind: str, name: str) -> Manifest | None:
        return {"data": dict(self._judged)} if name.endswith("-rollout") and self._judged is not None else None

    def names(self, kind: str, selector: str) -> tuple[str, ...]:
        return tuple(item["metadata"]["name"] for item in self.metadata(kind, selector))

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[Manifest]:
        made = {"Deployment": self._deployment, "Pod": self._pod}.get(kind)
        return [made(name) for name in self._names] if made else []

    def _deployment(self, name: str) -> Manifest:
        metadata = {"name": name, "labels": labels(name, "abc"), "generation": 1}
        spec = {"template": {"metadata": {"labels": {"slipway.dev/release": "abc"}}}}
        return {"metadata": metadata, "spec": spec, "status": {"observedGeneration": 1, "availableReplicas": 1}}

    def _pod(self, name: str) -> Manifest:
        made = pod("abc", "2026-11-26T01:00:10Z")
        made["metadata"]["labels"] |= labels(name, "abc")
        return made


def status(project: Project, live: Live, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setattr(EnvironmentContext, "cluster", live)
    monkeypatch.chdir(project.folder)
    return CliRunner().invoke(cli, ["status", "here", *arguments], catch_exceptions=False)


def test_status_shows_where_a_rollout_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"id": ROLLOUT.id, "phase": "failed", "step": 0, "reason": "3 of 190 pairs disagree"}
    live = Live("ours", judged={"plan.json": json.dumps(ROLLOUT.to_json()), "state.json": json.dumps(state)})
    said = status(project, live, monkeypatch=monkeypatch).stdout
    assert "ours: rollout: 1.1.0 failed at step 1 of 4, 10 % of the calls replayed: 3 of 190 pairs disagree" in said
    (row,) = json.loads(status(project, live, "--json", monkeypatch=monkeypatch).stdout)["models"]
    assert (row["rollout"]["phase"], row["rollout"]["to"]) == ("failed", "1.1.0")
    (row,) = json.loads(status(project, Live("ours"), "--json", monkeypatch=monkeypatch).stdout)["models"]
    assert row["rollout"] is None


def test_status_shows_the_cold_start_that_was_measured_beside_the_estimate(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = status(project, Live("ours"), monkeypatch=monkeypatch).stdout
    assert "10.0 s (est. " in said
    (row,) = json.loads(status(project, Live("ours"), "--json", monkeypatch=monkeypatch).stdout)["models"]
    estimated = project.context().plan.models[0].estimates.cold_start.total_s
    assert row["coldStart"] == {"estimatedSeconds": estimated, "measuredSeconds": 10.0}


NOTED = {"release": "0123456789abcdef", "total_s": 9.0, "node_s": 0.0, "pull_s": 4.2, "load_s": 3.1, "warm_s": None}


def test_status_shows_the_parts_that_were_measured_and_says_which_were_not(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live("ours", noted=json.dumps(NOTED))
    said = status(project, live, monkeypatch=monkeypatch).stdout
    assert said.splitlines()[-1].split() == [
        "measured",
        "0",
        "ms",
        "4.2",
        "s",
        "3.1",
        "s",
        "not",
        "measured",
        "9.0",
        "s",
    ]
    (row,) = json.loads(status(project, live, "--json", monkeypatch=monkeypatch).stdout)["models"]
    assert row["coldStartParts"]["measured"]["pull"] == 4.2
    assert row["coldStartParts"]["expected"] == 9.0


@pytest.mark.parametrize("noted", [None, "", "{}", '{"release": "0123456789abcdef", "total_s": "1e400"}'])
def test_a_record_without_a_start_or_with_one_that_is_none_was_not_measured(
    project: Project, noted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live("ours", noted=noted)
    assert status(project, live, monkeypatch=monkeypatch).stdout.splitlines()[-1].split() == [
        "measured",
        "not",
        "measured",
    ]
    (row,) = json.loads(status(project, live, "--json", monkeypatch=monkeypatch).stdout)["models"]
    assert row["coldStartParts"]["measured"] is None
    assert row["coldStartParts"]["expected"] == row["coldStart"]["estimatedSeconds"]


def test_status_of_one_model_shows_that_one_and_refuses_one_that_is_nowhere(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.spec("theirs")
    said = status(project, Live("ours", "gone"), "theirs", monkeypatch=monkeypatch).stdout
    assert [line.split()[0] for line in said.splitlines()] == ["MODEL", "theirs"]
    assert "serves; has no spec" in status(project, Live("gone"), "gone", monkeypatch=monkeypatch).stdout
    with pytest.raises(UserError, match=r'"our" is not known; allowed: gone, ours, theirs; next: did you mean ours'):
        status(project, Live("gone"), "our", monkeypatch=monkeypatch)


@pytest.mark.parametrize("case", UNFINISHED)
def test_status_is_shown_whatever_is_wrong_with_a_spec(
    project: Project, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(*UNFINISHED[case])
    shown = status(project, Live("ours", "theirs"), monkeypatch=monkeypatch)
    assert shown.exit_code == 0
    assert "serves; its spec is wrong" in shown.stdout
    assert f"warning: theirs: models/{UNFINISHED[case][0]}" in shown.stderr


@pytest.mark.parametrize("below", [".", "models", "stacks/deep/er"])
def test_commands_find_the_project_above_and_name_its_files_from_here(
    project: Project, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = project.folder / below
    here.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(here)
    shown = CliRunner().invoke(cli, ["plan", "here"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "ours" in shown.stdout
    assert "ours" in CliRunner().invoke(cli, ["validate"], catch_exceptions=False).stdout
    project.spec("ours", version="one")
    with pytest.raises(UserError) as refused:
        CliRunner().invoke(cli, ["plan", "here"], catch_exceptions=False)
    file = str(refused.value).partition(":")[0]
    assert file == os.path.relpath(project.folder / "models/ours.yaml")
    assert Path(file).is_file()


def test_folders_that_are_named_are_taken_from_here(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder / "models")
    named = ["--models", ".", "--settings", "../stacks"]
    assert CliRunner().invoke(cli, ["plan", "here", *named], catch_exceptions=False).exit_code == 0
    with pytest.raises(UserError, match=r"^models: cannot be read"):
        CliRunner().invoke(cli, ["plan", "here", "--models", "models"], catch_exceptions=False)


def test_outside_of_a_project_the_folders_of_this_one_are_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^stacks: cannot be read: .*next: name the folder with --settings"):
        CliRunner().invoke(cli, ["plan", "here"], catch_exceptions=False)


class OtherPath(OnnxRuntime):
    """A runtime that takes requests elsewhere."""

    name = "other"
    predict_path = "/v9/ask"


@pytest.fixture
def other_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (live_commands, own, predicting):
        monkeypatch.setattr(module, "RUNTIMES", {**RUNTIMES, OtherPath.name: OtherPath()})


def test_the_line_for_curl_is_one_that_a_shell_reads_back_in_this_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = "checks of ours/it's $1.json"
    (project.folder / "checks of ours").mkdir()
    (project.folder / request).write_text("{}")
    spec = asking(project, request)
    for below in (".", "models"):
        monkeypatch.chdir(project.folder / below)
        folders = Folders(Path(os.path.relpath(project.folder / "models")), Path("stacks"))
        words = shlex.split(curl(EnvironmentContext("here", folders), "http://127.0.0.1:1", spec))
        assert words[:3] == ["curl", "-s", "http://127.0.0.1:1/predict"]
        assert Path(words[-1].removeprefix("@")).read_text() == "{}"


def asking(project: Project, request: str, runtime: str = "onnxruntime") -> ModelSpec:
    """The spec of `ours` with another golden request and runtime; neither is looked at."""
    (plan,) = project.context().plan.models
    check = plan.spec.check.model_copy(update={"request": request})
    return plan.spec.model_copy(update={"check": check, "runtime": runtime})


@pytest.mark.usefixtures("other_runtime")
def test_the_line_for_curl_names_the_path_of_the_runtime(project: Project) -> None:
    line = curl(project.context(), "http://127.0.0.1:1", asking(project, "a.json", "other"))
    assert line.startswith("curl -s http://127.0.0.1:1/v9/ask -H ")


class Asked(FakeCluster):
    """Notes the paths that requests go to, and answers each."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.answers = [{"outputs": {}}]

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        port: str = "http",
    ) -> bytes:
        self.paths.append(path)
        return super().through_service(service, path, body, content_type, timeout_s, headers=headers)


@pytest.mark.usefixtures("other_runtime")
@pytest.mark.parametrize(("recorded", "path"), [("other", "/v9/ask"), ("onnxruntime", "/predict"), (None, "/predict")])
def test_predict_asks_at_the_path_of_the_runtime_that_is_live_else_of_the_spec(
    project: Project, recorded: str | None, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, context, release = Asked(), project.context(), release_of(planned())
    monkeypatch.setattr(EnvironmentContext, "cluster", cluster)
    kept = recorded and replace(release, check=replace(release.check, runtime=recorded))
    monkeypatch.setattr(predicting, "saved", lambda _cluster, _model: kept)
    show_prediction(context, "ours", "a.json", b"{}")
    assert cluster.paths == [path]


def test_predict_shows_a_pass_where_passes_are_signed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, key = Asked(), Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = {"private.pem": base64.b64encode(pem).decode()}
    cluster.create({"kind": "Secret", "metadata": {"name": "keys-signing"}, "data": data})
    monkeypatch.setattr(EnvironmentContext, "cluster", cluster)
    monkeypatch.setattr(predicting, "saved", lambda _cluster, _model: None)
    show_prediction(project.context(), "ours", "a.json", b"{}")
    claims = jwt.decode(cluster.headers[0]["x-slipway-pass"], key.public_key(), ["EdDSA"], audience="model/ours")
    assert claims["exp"] - claims["iat"] == 60


def test_predict_of_a_model_that_has_neither_spec_nor_record_says_that_it_does_not_serve(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentContext, "cluster", Asked())
    with pytest.raises(ModelNotServing, match="model our does not serve in here"):
        show_prediction(project.context(), "our", "a.json", b"{}")


def test_the_line_for_curl_through_a_gateway_trusts_its_authority_and_shows_a_key(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = project.context()
    spec = asking(project, "a.json")
    monkeypatch.setattr(type(context.running), "own_authority", True)
    line = curl(context, "https://localhost:30443/models/x", spec)
    assert line.startswith("curl -s --cacert <(slipway gateway-ca here) https://localhost:30443/models/x/predict ")
    assert '-H "authorization: Bearer $KEY"' in line
    monkeypatch.setattr(type(context.running), "own_authority", False)
    assert "--cacert" not in curl(context, "https://models.example.com/models/x", spec)
