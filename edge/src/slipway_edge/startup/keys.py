"""Use the device's key, and let another one take its place once the control side knows that."""

from collections.abc import Callable
from pathlib import Path

from slipway_edge.control.client import Control
from slipway_edge.disk.files import Files
from slipway_edge.identity.device_key import NEXT, DeviceKey, following, loaded, made, replace
from slipway_edge.identity.envelope import Pinned
from slipway_edge.startup.enrolment import enrolment
from slipway_edge.telemetry.log import log


def begin(home: Path, files: Files) -> str:
    """Make the key that follows; the agent hands it in with its next question. Returns its public half.

    Raises:
        EdgeError: the device is not enrolled, or a key cannot be used.
    """
    enrolment(home, files)
    return made(home, files, NEXT).public


class Keys:
    """The key of an agent that runs. `nonce`: a number above all that were used."""

    def __init__(self, home: Path, files: Files, control: Control, pinned: Pinned, nonce: Callable[[], int]) -> None:
        self._home = home
        self._files = files
        self._control = control
        self._pinned = pinned
        self._nonce = nonce
        self.key = loaded(home)

    def current(self) -> DeviceKey:
        """The device's key; one that is to take its place is handed in first. Where that is refused, the old one stays.

        Raises:
            Away: no answer, so that nobody knows which of the two is the device's.
        """
        new = following(self._home)
        if new is not None and self._taken(new):
            replace(self._home, self._files)
            self.key = new
            log("key replaced")
        return self.key

    def _taken(self, new: DeviceKey) -> bool:
        # The answer to an earlier try may have been lost: then the new one is the device's already, and signs.
        statuses = []
        for signer in (self.key, new):
            statuses.append(self._control.rekey(self._pinned.fleet, self._pinned.device, signer, self._nonce, new))
            if statuses[-1] == 204:
                return True
        log("key not replaced", statuses=statuses)
        return False
