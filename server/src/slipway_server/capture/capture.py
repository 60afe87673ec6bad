"""Keep a share of the answered requests: copied at once, and written by another thread that nobody waits for."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from slipway_server.capture.subject import subject_of
from slipway_server.capture.writing import Kept, Writer, now
from slipway_server.pipeline.caller import caller_subject
from slipway_server.steps.sample import Sample
from slipway_server.telemetry.log import log
from slipway_server.values.tensors import Array

SAMPLE_MOST = 2**18
"""Bytes of a sample's tensors; of larger ones nothing is kept."""
QUEUE_MOST = 2**22
"""Bytes that wait to be written; what comes then is dropped."""
BATCH_MOST = 2**21
HELD_BYTES = QUEUE_MOST + 4 * BATCH_MOST
"""What all of it takes of the memory at most: what waits, and a batch as JSON, encrypted, and as it is sent."""
FLUSH_S = 30.0
"""A sample is written so long after its answer at the latest, while the store takes what it gets."""
_BATCH_SAMPLES = 1000
_CLOSE_S = 10.0
_TEXT_BYTES = 64


class Capture:
    """What keeps samples of one model. All methods but the thread's own are for the event loop's thread."""

    def __init__(
        self,
        share: float,
        sample: Sample,
        writer: Writer,
        count: Callable[[str, int], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`count`: is told what became of how many samples. `chance`: a number from 0 to 1, anew for each request."""
        self._share, self._sample, self._writer = share, sample, writer
        self._count, self._chance = count, chance
        self._queue: deque[Kept] = deque()
        self._held = 0
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def offer(self, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> None:
        """Keep what was asked and answered, if chance will have it. Never waits, never raises."""
        if self._chance() >= self._share:
            return
        try:
            subject = subject_of(caller_subject.get())
        except ValueError:  # whose it is nobody could say later
            self._count("bad_subject", 1)
            return
        kept_inputs, kept_outputs = self._sample.of(inputs, outputs)
        size = sum(map(_bytes, kept_inputs.values())) + sum(map(_bytes, kept_outputs.values()))
        if size > SAMPLE_MOST:
            self._count("too_large", 1)
            return
        with self._changed:
            if self._held + size > QUEUE_MOST or len(self._queue) >= 10 * _BATCH_SAMPLES:
                self._count("dropped", 1)
                return
            # Copies: the arrays are parts of a batch, or of a body, and would keep all of that.
            self._queue.append(Kept(now(), subject, _copied(kept_inputs), _copied(kept_outputs), size))
            self._held += size
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, for some seconds at most."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_CLOSE_S)
        with self._changed:
            if self._queue:
                self._count("dropped", len(self._queue))
                log("capture", lost=len(self._queue))

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._writer.write(batch)
            finally:
                with self._changed:
                    self._held -= sum(one.size for one in batch)

    def _next(self) -> list[Kept]:
        """Return the next batch once it is full or old; empty at the end."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            due = time.monotonic() + FLUSH_S
            while not self._closing and not self._full() and (left := due - time.monotonic()) > 0:
                self._changed.wait(left)
            batch: list[Kept] = []
            size = 0
            while self._queue and len(batch) < _BATCH_SAMPLES and size + self._queue[0].size <= BATCH_MOST:
                batch.append(self._queue.popleft())
                size += batch[-1].size
            return batch

    def _full(self) -> bool:
        return len(self._queue) >= _BATCH_SAMPLES or self._held >= BATCH_MOST


def _bytes(array: Array) -> int:
    if array.dtype.kind != "O":
        return int(array.nbytes)
    return sum(_TEXT_BYTES + len(item) if isinstance(item, str | bytes) else _TEXT_BYTES for item in array.ravel())


def _copied(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}
