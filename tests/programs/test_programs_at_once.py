"""Programs of several models run at once, each in a thread with a loop of its own, as `slipway up` has them run."""

import importlib
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

import slipway.programs.model
from slipway.components.image.component import ModelImageArgs
from slipway.deploy.ports import Programs
from slipway.environments.running.kinds import running
from slipway.loading.settings import SettingsFile
from slipway.planner.environment import ModelPlan, Plan
from slipway.reading.yaml_document import Document
from tests.support.mock_engine import run
from tests.support.planned import fixture_plan, fleet_plan

ROUNDS = 100
LINK = {"context": "c", "namespace": "n", "registry": "r", "kubeconfig": None, "key": None}


@pytest.fixture(autouse=True)
def quick_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that are made within moments, with progress, in place of Docker's."""

    def args(model: ModelPlan, progress: Callable[[str], None]) -> ModelImageArgs:
        def ensure(report: Callable[[str], None]) -> str:
            for step in ("building", "pushing"):
                time.sleep(random.random() / 200)
                report(step)
            return f"sha256:{model.release_digest}"

        return ModelImageArgs(model.image.repository, model.image.tag, lambda: None, ensure)

    monkeypatch.setattr(slipway.programs.model, "image_args", args)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns as often as the interpreter lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def programs_of(planned: Plan) -> Programs:
    """The programs as the commands get them, by the kind of the settings."""
    return running(SettingsFile(planned.environment, planned.settings, Document("", {}, {}))).model_programs()


def deployed(programs: Programs, model: ModelPlan) -> tuple[str, list[str], dict[str, Any], list[str]]:
    program = programs.model(model, lambda _: None)
    error, monitor, messages = run(program, model.stack, {"connection": LINK})
    return error, monitor.registered, monitor.stack_outputs, messages.logged


def test_two_programs_at_once_never_get_in_each_others_way(hasty_threads: None) -> None:
    plan = fixture_plan("cloud")
    pair, programs = plan.models[:2], programs_of(plan)
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda model: deployed(programs, model), pair))
        for model, (error, registered, outputs, logged) in zip(pair, results, strict=True):
            assert error == ""
            assert f"kubernetes:apps/v1:Deployment {model.name}" in registered
            others = [other.name for other in plan.models if other.name != model.name]
            assert not [entry for entry in registered if entry.split()[1] in others]
            assert outputs["image"] == f"{model.image.repository}@sha256:{model.release_digest}"
            assert {text.partition(": ")[0] for text in logged} <= {model.image.reference}


@pytest.mark.parametrize("planned", [fixture_plan("cloud"), fleet_plan()], ids=lambda plan: plan.environment)
def test_a_program_in_a_thread_is_the_first_to_import_nothing(planned: Plan) -> None:
    """Two threads that import parts of one package at once can see each other's half of it."""
    programs = programs_of(planned)
    # What the server of programs has imported before the engine calls for the first one.
    grpc.server(ThreadPoolExecutor(1)).stop(None)
    grpc.insecure_channel("127.0.0.1:1").close()
    importlib.import_module("grpc._utilities")
    before = set(sys.modules)
    error, *_ = deployed(programs, planned.models[0])
    assert error == ""
    assert set(sys.modules) - before == set()
