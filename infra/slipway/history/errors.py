"""Define what can go wrong with the history of an environment, each with what to do next."""

from slipway.errors.base import SlipwayError, shown


class HistoryUnread(SlipwayError):
    """The history, or an entry of it, cannot be read. `place`: its URL, or that of one file of it."""

    def __init__(self, place: str, reason: str, todo: str) -> None:
        super().__init__(f"{place}: the history cannot be read: {reason}; next: {todo}")


class HistoryUnwritten(SlipwayError):
    """An entry could not be added to the history."""

    def __init__(self, place: str, reason: str, todo: str) -> None:
        super().__init__(f"{place}: the history was not written: {reason}; next: {todo}")


class NoHistory(SlipwayError):
    """The backend of Pulumi's state has no place for a history, or is none that Slipway knows."""

    def __init__(self, backend: str, reason: str, todo: str) -> None:
        super().__init__(f"backend {shown(backend, 200)} of Pulumi's state: {reason}; next: {todo}")
        self.reason, self.todo = reason, todo
