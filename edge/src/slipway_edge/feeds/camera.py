"""Frames of a camera as inputs: JPEG, so many a second, the newest one only. FFmpeg's libraries are an extra."""

import threading
import uuid
from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.ports import Input
from slipway_edge.values.clock import Clock
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import CameraSource

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_SILENCE_S = 10.0
"""A camera that sends nothing for so long has gone."""
_AGAIN_S = 2.0
_END_S = 2 * _SILENCE_S
_OVER_NETWORK = {
    # Over TCP: a frame that lost packets of UDP would be answered as if it were whole.
    "rtsp_transport": "tcp",
    # A camera must not lead FFmpeg to a file of this device.
    "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls",
}
_SHARP = {"qmin": "2", "qmax": "2"}
"""Of MJPEG's 2 to 31, the least loss."""


class Camera:
    """A thread reads all frames, since a stream that nobody reads falls behind; `take` gets the newest that was due.

    A frame that was due and replaced by a newer one before the model was ready is `skipped`.
    """

    def __init__(self, said: CameraSource, allowed: Allowed, clock: Clock) -> None:
        self._said = said
        self._allowed = allowed
        self._clock = clock
        self._there = threading.Condition()
        self._newest: Input | None = None
        self._problem = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.skipped = 0

    def take(self, wait_s: float) -> Input | None:
        """The newest frame that was due."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
            self._thread.start()
        with self._there:
            if self._newest is None:
                self._there.wait(wait_s)
            one, self._newest = self._newest, None
            if one is None and self._problem:
                raise Away(self._problem)
            return one

    def done(self, _: Input, __: bool, /) -> None:
        """A frame is gone once it was taken."""

    def end(self, *, for_good: bool) -> None:  # noqa: ARG002 - nobody keeps anything for it
        """Close the camera."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_END_S)

    def _read(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
                self._says(f"{self._said.url}: it ended")
            except Away as away:
                self._says(str(away))
            except Exception as error:
                # Its text may have the address with the password.
                self._says(f"{self._said.url}: {type(error).__name__}")
            self._stop.wait(_AGAIN_S)

    def _follow(self) -> None:
        try:
            import av  # noqa: PLC0415 - 100 MB that only devices with a camera have
        except ImportError:
            raise Away("cameras need FFmpeg's libraries; next: pip install av, on the device") from None
        local = self._said.url.startswith("/dev/")
        with av.open(
            self._address(),
            format="v4l2" if local else None,
            options={} if local else _OVER_NETWORK,
            timeout=_SILENCE_S,
        ) as container:
            due = self._clock.now()
            for frame in container.decode(video=0):
                if self._stop.is_set():
                    return
                now = self._clock.now()
                if now >= due:
                    # Not `due + 1 / rate`: after a pause there is nothing to catch up with.
                    due = now + 1 / self._said.rate
                    self._show(Input(uuid.uuid4().hex, self._said.url, jpeg(frame), now))

    def _show(self, one: Input) -> None:
        with self._there:
            self.skipped += self._newest is not None
            self._newest = one
            self._problem = ""
            self._there.notify()

    def _says(self, problem: str) -> None:
        with self._there:
            self._problem = problem

    def _address(self) -> str:
        said = self._said
        if said.username is None:
            return said.url
        password = "" if said.password is None else f":{quote(self._allowed.secret(said.password), safe='')}"
        parts = urlsplit(said.url)
        return parts._replace(netloc=f"{quote(said.username, safe='')}{password}@{parts.netloc}").geturl()


def jpeg(frame: "VideoFrame") -> bytes:
    """One frame as a JPEG file."""
    from av import VideoCodecContext  # noqa: PLC0415

    encoder = VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = "yuvj420p"
    encoder.thread_count = 1
    encoder.options = _SHARP
    encoder.time_base = Fraction(1, 1000)
    still = frame.reformat(format="yuvj420p")
    still.pts, still.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(still), *encoder.encode()])
