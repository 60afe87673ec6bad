"""Which floor of a schedule holds at a moment."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from slipway.autoscaling.floors import Floors
from slipway.spec.scale import Floor

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Floor.model_validate({"cron": "0 7 * * 1-5", "until": "0 19 * * 1-5", "min": 3, "timezone": "Europe/Berlin"})
NIGHT = Floor.model_validate({"cron": "0 22 * * *", "until": "30 5 * * *", "min": 2, "timezone": "UTC"})


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("moment", "replicas"),
    [
        ("2026-05-04T06:59:59", 0),  # a Monday
        ("2026-05-04T07:00:00", 3),
        ("2026-05-04T18:59:59", 3),
        ("2026-05-04T19:00:00", 0),
        ("2026-05-09T12:00:00", 0),  # a Saturday
        ("2026-01-05T07:00:00", 3),  # in winter, at seven there too
        ("2026-01-05T06:30:00", 0),
    ],
)
def test_a_floor_holds_from_one_time_to_the_other_in_its_time_zone(moment: str, replicas: int) -> None:
    assert Floors([OFFICE]).at(at(moment)) == [replicas]


def test_floors_are_told_one_by_one_as_time_goes_by() -> None:
    floors = Floors([OFFICE, NIGHT])
    moments = ["2026-05-04T06:00", "2026-05-04T07:29", "2026-05-04T07:30", "2026-05-04T20:00", "2026-05-05T00:00"]
    assert [floors.at(at(moment)) for moment in moments] == [[0, 2], [3, 2], [3, 0], [0, 0], [0, 2]]


def test_without_a_schedule_there_is_no_floor() -> None:
    assert Floors([]).at(at("2026-05-04T12:00")) == []
