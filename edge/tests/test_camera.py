"""Frames of a real RTSP stream: as many as wanted, the newest, and again after the camera was away."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.calling import content_type
from slipway_edge.feeds.camera import Camera
from slipway_edge.feeds.ports import Input
from slipway_edge.values.clock import RealClock
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import CameraSource

from tests.support.cameras import PASSWORD, SIZE, USER, CameraServer


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name, text in (("camera", PASSWORD), ("wrong", "another")):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def server() -> Iterator[CameraServer]:
    made = CameraServer(10, range(20, 250))
    yield made
    made.stop()


def camera(server: CameraServer, secrets: Path, password: str = "camera", rate: float = 60.0) -> Camera:
    said = CameraSource(url=server.url, rate=rate, username=USER, password=password)
    return Camera(said, Allowed(None, secrets), RealClock())


def waited(one: Camera, holds: Callable[[Input], bool] = lambda _: True) -> Input:
    """The first frame for which it holds, whatever is away meanwhile."""
    end = time.monotonic() + 60
    problem = ""
    while time.monotonic() < end:
        try:
            frame = one.take(0.2)
        except Away as away:
            problem = str(away)
            time.sleep(0.05)
            continue
        if frame is not None and holds(frame):
            return frame
    raise AssertionError(f"no such frame within 60 s; {problem}")


def grey(frame: Input) -> float:
    assert frame.body is not None
    picture = np.asarray(Image.open(io.BytesIO(frame.body)).convert("L"), dtype=float)
    assert picture.shape == (SIZE, SIZE)
    assert float(picture.std()) < 2
    return float(picture.mean())


def test_frames_are_jpeg_and_what_the_camera_sees_now(server: CameraServer, secrets: Path) -> None:
    one = camera(server, secrets)
    first = waited(one)
    assert content_type(first.body or b"") == "image/jpeg"
    # It gets lighter: nobody took the frames in between, and they are counted.
    end = time.monotonic() + 60
    while one.skipped < 10:
        assert time.monotonic() < end
        time.sleep(0.05)
    later = waited(one)
    assert grey(later) > grey(first) + 8
    assert (first.name, later.id != first.id) == (server.url, True)
    one.end(for_good=True)


def test_a_camera_that_was_away_is_watched_again(server: CameraServer, secrets: Path) -> None:
    one = camera(server, secrets)
    waited(one, lambda frame: grey(frame) > 10)
    server.stop()
    again = CameraServer(10, range(5, 6), port=server.port)
    waited(one, lambda frame: grey(frame) < 10)
    again.stop()
    one.end(for_good=False)


def test_a_wrong_password_is_said_without_any(server: CameraServer, secrets: Path) -> None:
    one = camera(server, secrets, "wrong")
    end = time.monotonic() + 60
    while True:
        assert time.monotonic() < end
        try:
            assert one.take(0.2) is None
        except Away as away:
            assert str(away) == f"{server.url}: HTTPUnauthorizedError"
            break
    one.end(for_good=False)
