"""What was deployed before decides which versions may be deployed now; what cannot be read stops nobody."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors.base import Place
from slipway.history.entry import Entry
from slipway.plan.model import ModelPlan
from slipway.versions.recorder import Recorder
from slipway.versions.used import too_low
from tests.support.histories import entry, in_folder
from tests.support.releases import planned

PLAN = replace(planned(), name="digits", version="1.0.0")
OTHER = PLAN.contents.model_copy(update={"weights": "f" * 64})


def said(folder: Path, plan: ModelPlan, *entries: Entry) -> tuple[list[str], list[str]]:
    """What is refused, and what is warned of, after these entries."""
    for one in entries:
        in_folder(folder).write(one)
    warned: list[str] = []
    recorder = Recorder("local", folder, warned.append, {"PULUMI_BACKEND_URL": f"file://{folder}"})
    place = (Place("models/digits.yaml", 3), "version")
    return [str(one) for one in too_low(recorder, [plan], lambda _: place, warned.append)], warned


def test_a_version_that_served_is_refused_for_other_weights(tmp_path: Path) -> None:
    (refused,), warned = said(tmp_path, PLAN, entry(1, "1.0.0", contents=OTHER))
    assert OTHER.weights in refused and PLAN.contents.weights in refused
    assert "deploy to local 2026-03-01 12:01 UTC by mia@laptop, release " in refused
    assert refused.endswith("next: write 1.1.0")
    assert warned == []


def test_settings_and_code_may_change_under_one_version(tmp_path: Path) -> None:
    assert said(tmp_path, PLAN, entry(1, "1.0.0", contents=PLAN.contents)) == ([], [])


@pytest.mark.parametrize(
    "before",
    [
        entry(1, "1.0.0", verdict="failed", contents=OTHER),
        entry(1, "1.0.0"),
        entry(1, "v1", contents=OTHER),
    ],
)
def test_what_never_served_and_what_nothing_is_known_of_stands_in_nobodys_way(tmp_path: Path, before: Entry) -> None:
    assert said(tmp_path, PLAN, before) == ([], [])


def test_a_release_that_was_brought_back_has_what_it_had(tmp_path: Path) -> None:
    made = entry(1, "1.0.0", verdict="failed", contents=OTHER)
    (refused,), _ = said(tmp_path, PLAN, made, entry(2, "1.0.0", action="restore"))
    assert "restore to local" in refused


def test_a_history_that_cannot_be_read_is_said_and_stops_nobody(tmp_path: Path) -> None:
    one = entry(1, "1.0.0", contents=OTHER)
    in_folder(tmp_path).write(one)
    (tmp_path / f"slipway-history/local/digits/{one.id}.json").write_text("{}")
    refused, (warning,) = said(tmp_path, PLAN)
    assert refused == []
    assert warning.startswith("warning: digits 1.0.0 is not compared with what was deployed before: ")


def test_without_a_place_for_a_history_nothing_is_compared(tmp_path: Path) -> None:
    recorder = Recorder("local", tmp_path, print, {"PULUMI_BACKEND_URL": "https://api.pulumi.com"})
    assert too_low(recorder, [PLAN], lambda _: (Place("x"), "version"), print) == []
