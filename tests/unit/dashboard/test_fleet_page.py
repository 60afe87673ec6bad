"""The page of a fleet draws each ring from when it was opened, and says the same in words and tables."""

from slipway.dashboard.bands import LEFT, WIDTH, bands
from slipway.dashboard.view import sections
from tests.unit.dashboard.documents import HOSTILE, fleet, rollout
from tests.unit.dashboard.test_page import read


def test_a_ring_is_a_band_from_its_opening_on_filled_by_devices_that_are_good() -> None:
    drawn = bands(rollout())
    canary, whole = drawn.bands
    assert (canary.x, canary.width) == (LEFT, WIDTH - LEFT)
    assert whole.x == LEFT + (WIDTH - LEFT) / 2
    # All of the canary after 6 of 60 minutes: from the band's lower edge to its upper one, at a tenth of the width.
    at = LEFT + (WIDTH - LEFT) // 10
    assert canary.fill == f"{at},{36} {at},36 {at},8 960,8 960,36"
    assert whole.fill.endswith("960,58 960,72")
    assert [title for _, title in whole.failed] == ["box-3 failed: no"]
    assert "ring fleet: 1 of 2 good, 1 failed" in drawn.label


def test_a_ring_that_was_not_opened_is_empty_and_says_so() -> None:
    rings = [rollout()["rings"][0], {"name": "fleet", "devices": 9, "opened": None}]
    _, whole = bands(rollout(phase="waiting", rings=rings, answers=[])).bands
    assert (whole.width, whole.fill, whole.text) == (0, "", "not opened, 9 devices")


def test_devices_are_worst_first_and_the_history_says_who_held_what() -> None:
    (section,) = sections([fleet()])
    devices, history, changes = section.tables
    assert [row[0].text for row in devices.rows] == ["box-3", "box-1"]
    assert [cell.text for cell in history.rows[0]][3:] == [
        *("stopped", "2026-11-27 16:00:00", "2026-11-27 17:00:00", "2", "1", "1 of 3 devices failed in ring fleet"),
        "approved fleet 2026-11-27 16:29:00",
    ]
    assert changes.caption == "Last changes"
    assert dict(section.facts)["Failed"].text == "1"


def test_a_fleet_that_cannot_be_looked_at_is_said_to_be_unknown() -> None:
    (section,) = sections([fleet(unreached="no file", devices=[], rollouts=[])])
    assert (section.unreached, dict(section.facts)["Devices"].text) == ("no file", "unknown")


def test_what_devices_say_is_text_in_the_picture_too() -> None:
    bad = rollout(version=HOSTILE)
    bad["answers"][2]["reason"] = HOSTILE
    seen = read(fleet(bad))
    assert not {"script", "img"} & {tag for tag, _ in seen.found}
    assert seen.text.count(HOSTILE) >= 2
    assert [tag for tag, _ in seen.found].count("polygon") == 2
