"""The images of what runs beside models: what is in them, and that it is enough to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from slipway.plan.image import ImagePlan
from slipway.planner.own_images import OWN_IMAGES, fleet_image, judge_image, keys_image
from tests.support.planned import gateway_plan

SETTINGS = gateway_plan("own").settings
JUDGE = judge_image("own", SETTINGS)
FLEET = fleet_image("own", SETTINGS)


def unpacked(image: ImagePlan, folder: Path) -> None:
    """Lay the files of an image out as they lie in it."""
    for file in image.files:
        for name in file.digests:
            target = folder / Path(file.image_path).name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.source / name, target)


def test_each_image_has_a_repository_and_one_below_it_for_its_wheels() -> None:
    images = [keys_image("own", SETTINGS), JUDGE]
    assert tuple(image.repository.rpartition("/")[2] for image in images) == OWN_IMAGES
    below = [image.runtime.repository.rpartition("/")[2] for image in images]
    assert below == [f"runtime-{name}" for name in OWN_IMAGES]


def test_the_judge_has_the_part_of_the_model_server_that_reads_answers_and_no_more() -> None:
    (own, server) = JUDGE.files
    assert "__main__.py" in own.digests
    folders = {Path(name).parts[0] for name in server.digests}
    assert folders == {"__init__.py", "protocol", "values"}


def test_the_judge_starts_with_what_is_in_its_image(tmp_path: Path) -> None:
    unpacked(JUDGE, tmp_path)
    # Without a model it says what it lacks; by then everything was imported, from here and from its wheels.
    loaded = "(module.__file__ for name, module in sys.modules.items() if name.startswith('slipway'))"
    seen = f"import sys, slipway_judge.startup.serve; print(*{loaded})"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", seen], env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "slipway_server" in run.stdout
    assert all(Path(file).is_relative_to(tmp_path) for file in run.stdout.split())
    started = subprocess.run(
        [sys.executable, "-m", "slipway_judge"], env=environ, capture_output=True, text=True, check=False
    )
    assert started.returncode != 0
    assert "SLIPWAY_MODEL" in started.stderr


def test_the_control_side_of_a_fleet_starts_with_the_part_of_the_library_that_is_in_its_image(tmp_path: Path) -> None:
    unpacked(FLEET, tmp_path)
    code = "import sys; sys.argv = ['fleet']; import slipway.edge.__main__; print(*sys.modules)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    # Locked for the image: templates/image/fleet-requirements.txt. What signs or plans is not there to be taken over.
    assert not {"requests", "pulumi", "kubernetes", "yaml", "jinja2"} & set(run.stdout.split())
    started = subprocess.run(
        [sys.executable, "-m", "slipway.edge"], env=environ, capture_output=True, text=True, check=False
    )
    assert (started.returncode, started.stdout) == (1, "")
    assert "SLIPWAY_FLEET or SLIPWAY_FLEET_PUBLIC_KEY is not set" in started.stderr
