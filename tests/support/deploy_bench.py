"""An environment in memory with one deployer: its engine, its cluster, and time that passes at once."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy.judge import verify
from slipway.deploy.models import Deployer, ModelResult
from slipway.deploy.ports import ClusterApi, Programs
from slipway.deploy.record import live_of
from slipway.deploy.verdict import Verdict
from slipway.deploy.watcher import Watcher
from slipway.plan.model import ModelPlan
from slipway.render.model import render_model
from slipway.values import names
from tests.support.fake_engine import FakeEngine, FakeProgram, KilledError
from tests.support.fake_rollout import rollout_program
from tests.support.living_cluster import Behaviour, LivingCluster
from tests.support.planned import fixture_plan

BASE = fixture_plan("local").find("least", Path("models"))
IMAGE = f"{BASE.image.repository}@sha256:{'0' * 64}"


def planned(number: int, model: str = "digits") -> ModelPlan:
    """Release `number` of a model: the right answer is 7."""
    digest = hashlib.sha256(f"{model}{number}".encode()).hexdigest()
    version = f"1.{number}.0"
    check = GoldenRequest("onnxruntime", {"inputs": {"image": [0]}}, {"label": 7}, 2.0)
    section = {"name": model, "version": version, "path": "/model/m.onnx"}
    return replace(
        BASE,
        name=model,
        version=version,
        labels=names.model_labels("local", model, version, digest),
        selector=names.selector(model),
        release_digest=digest,
        check=check,
        server_config=BASE.server_config | {"release": digest, "check": check.section(), "model": section},
    )


@dataclass
class Bench:
    """An environment with one deployer; `up` gives what became of each model."""

    cluster: LivingCluster = field(default_factory=LivingCluster)
    said: list[tuple[str, str]] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    settled: list[tuple[str, bool]] = field(default_factory=list)
    judge: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        self.engine = FakeEngine(self.cluster)

    def deployer(self, **changes: Any) -> Deployer:
        programs = Programs(
            lambda model, _: FakeProgram(render_model(model, IMAGE)),
            lambda _, release: FakeProgram(list(release.manifests)),
            rollout_program,
        )
        deployer = Deployer(
            environment="local",
            cluster=self.cluster,
            engine=self.engine,
            programs=programs,
            judge=self.judge or self._verify,
            watcher=Watcher(self.cluster, self._pause, self.cluster.clock),
            report=lambda model, text: self.said.append((model, text)),
            cancelled=self.cancelled,
            jobs=1,
            resume=lambda stack, doubted, _: self.settled.append((stack, doubted)),
            refresh=False,
        )
        return replace(deployer, **changes)

    def _verify(
        self,
        cluster: ClusterApi,
        model: str,
        check: GoldenRequest,
        release: str | None,
        *,
        service: str | None = None,
        by: tuple[str, str] | None = None,
    ) -> Verdict:
        return verify(cluster, model, check, release, self._sleep, self.cluster.clock, service=service, by=by)

    def _sleep(self, seconds: float) -> None:
        self.cluster.pause(seconds)

    def _pause(self, seconds: float) -> bool:
        self.cluster.pause(seconds)
        return self.cancelled.is_set()

    def up(self, *models: ModelPlan, **changes: Any) -> list[ModelResult]:
        return self.deployer(**changes).deploy(models)

    def well(self, *models: ModelPlan) -> None:
        for done in self.up(*models):
            assert done.error is None, done.error

    def killed(self, model: ModelPlan, after: int) -> None:
        """Run an `up` that ends after so many applied objects, and leave its Lease as a killed run does."""
        self.engine.killed_after = after
        with pytest.raises(KilledError):
            self.up(model)
        self.engine.killed_after = None
        renewed = datetime.now(UTC) - timedelta(seconds=60)
        self.cluster.create(
            {
                "kind": "Lease",
                "metadata": {"name": names.lock(model.name), "labels": dict(names.selector(model.name))},
                "spec": {
                    "holderIdentity": "elsewhere/1",
                    "leaseDurationSeconds": 20,
                    "renewTime": renewed.isoformat().replace("+00:00", "Z"),
                },
            }
        )

    def behave(self, model: ModelPlan, **how: Any) -> None:
        self.cluster.behaviours[model.release] = Behaviour(**how)

    def pass_s(self, seconds: float) -> None:
        for _ in range(int(seconds * 2)):
            self.cluster.pause(0.5)

    def serving(self, model: str = "digits") -> str:
        """The release of the pods that serve; they all have to be of one."""
        self.pass_s(10)
        pods = self.cluster.list("Pod", f"app.kubernetes.io/name={model}")
        (release,) = {pod["metadata"]["labels"][names.RELEASE_LABEL] for pod in pods}
        return str(release)

    def config_maps(self) -> set[str]:
        return set(self.cluster.names("ConfigMap", ""))


def live(bench: Bench, model: str = "digits") -> Any:
    deployment = bench.cluster.read("Deployment", model)
    return live_of(deployment) if deployment else None
