"""A replica below one core stands still for the rest of each tenth of a second."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.simulation.processor import PERIOD_S, Processor, needed

CORES = st.floats(0.05, 0.95)
SECONDS = st.floats(0.0005, 2)


@pytest.mark.parametrize(
    ("cores", "seconds", "ends"),
    [
        (0.2, 0.02, 0.02),
        (0.2, 0.03, 0.11),
        (0.2, 0.05, 0.21),
        (0.5, 0.2, 0.4),
        (1.0, 0.2, 0.2),
        (4.0, 0.2, 0.2),
    ],
)
def test_a_run_stands_still_where_its_period_has_nothing_left(cores: float, seconds: float, ends: float) -> None:
    assert Processor(cores).run(0.0, seconds) == pytest.approx(ends)


def test_runs_share_a_period_and_what_one_leaves_over_is_lost_with_it() -> None:
    processor = Processor(0.2)
    assert processor.run(0.0, 0.015) == pytest.approx(0.015)
    assert processor.run(0.05, 0.015) == pytest.approx(0.11)
    assert processor.run(0.30, 0.015) == pytest.approx(0.315)


def test_a_run_that_begins_late_in_a_period_goes_on_in_the_next() -> None:
    processor = Processor(0.5)
    assert processor.run(0.09, 0.03) == pytest.approx(0.12)


@given(cores=CORES, seconds=SECONDS)
def test_what_a_quiet_replica_took_says_what_a_request_needs(cores: float, seconds: float) -> None:
    begins = np.linspace(0, PERIOD_S, 500, endpoint=False)
    took = np.array([Processor(cores).run(begin, seconds) - begin for begin in begins])
    assert took.min() >= seconds - 1e-9
    assert needed(np.array([took.mean()]), cores)[0] == pytest.approx(seconds, abs=0.02)


@given(cores=CORES, seconds=st.floats(0.0005, 0.2))
def test_a_busy_replica_runs_for_its_part_of_the_time(cores: float, seconds: float) -> None:
    processor, end, number = Processor(cores), 0.0, 0
    while end < 20:
        end = processor.run(end, seconds)
        number += 1
    assert number * seconds == pytest.approx(cores * end, abs=PERIOD_S)
