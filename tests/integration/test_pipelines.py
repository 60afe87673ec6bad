"""A pipeline on a real cluster: deployed after its models, kept while one changes, and asked about that change."""

from typing import Any

import pytest
import yaml

from tests.support.looking import until
from tests.support.workbench import Workbench, post

pytestmark = pytest.mark.integration

# Several tests share the node, and an update has a pod more.
LITTLE = {"cpu": "100m", "memory": "256Mi"}
ASKED = {"inputs": {"a": [[1, 2, 3]], "b": [[1, 1, 1]]}}


def write_pipeline(bench: Workbench) -> None:
    """`twice` = ((a + b) * sums) added to itself, times more; right as long as nothing of it is above 100."""
    stages: list[dict[str, Any]] = [
        {"model": "sums", "outputs": {"y": "first"}},
        {"model": "more", "inputs": {"a": "first", "b": "first"}, "outputs": {"y": "twice"}},
    ]
    check = {"request": "models/whole.json", "expect": {"twice": {"min": 0, "max": 100}}, "timeout": "5s"}
    path = bench.write("whole", runtime="pipeline", pipeline={"stages": stages}, check=check, resources=LITTLE)
    spec = yaml.safe_load(path.read_text())
    del spec["artifact"]
    path.write_text(yaml.safe_dump(spec))


def twice(bench: Workbench) -> Any:
    return post(bench.port("whole"), ASKED)["outputs"]["twice"]  # type: ignore[index]


def test_models_that_answer_as_one_are_deployed_apart_and_judged_together(bench: Workbench) -> None:
    bench.write("sums", 2.0, resources=LITTLE)
    bench.write("more", 3.0, resources=LITTLE)
    write_pipeline(bench)
    first = bench.up()
    assert first.returncode == 0, first.stderr
    assert "3 of 3 models to deploy" in first.stderr
    assert twice(bench) == [[24.0, 36.0, 48.0]]

    bench.write("more", 5.0, version="1.1.0", resources=LITTLE)
    second = bench.up()
    assert second.returncode == 0, second.stderr
    assert "1 of 3 models to deploy" in second.stderr
    until("the pipeline asks the new release", lambda: twice(bench) == [[40.0, 60.0, 80.0]], 60)

    bench.write("more", 50.0, version="1.2.0", resources=LITTLE)
    third = bench.up()
    assert third.returncode == 2, third.stdout + third.stderr
    assert "more 1.2.0 failed; " in third.stderr
    assert "model whole: the golden request failed" in third.stderr
    until("the former release answers", lambda: twice(bench) == [[40.0, 60.0, 80.0]], 60)
