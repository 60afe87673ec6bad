"""Define what can go wrong with a backup of an environment, each with what to do next."""

from slipway.errors.base import DeployError, Place, SlipwayError, WrongValue


class PlaceRefused(WrongValue):
    """A place is none that a backup can be written to or read from. `option`: the one that named it."""

    def __init__(self, option: str, place: str, problem: str, allowed: str, todo: str) -> None:
        super().__init__(Place("command line"), option, place, problem, allowed, todo)


class BackupRefused(WrongValue):
    """A backup is not whole, or not what it should be; nothing was changed. `file`: of the backup."""

    def __init__(self, file: str, field: str, value: object, problem: str, allowed: str, todo: str) -> None:
        super().__init__(Place(file), field, value, problem, allowed, todo)


class BackupUnwritten(SlipwayError):
    """A backup could not be written: it has no manifest yet, and is none."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file}: the backup was not written: {reason}; next: check that the place answers and is not full, and "
            "that your credentials may write there, then run the command again: what is there has no manifest and is "
            "not used"
        )


class BackupUnread(SlipwayError):
    """A file of a backup could not be read."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"{file}: it cannot be read: {reason}; next: check the name, that the place answers, and that your "
            "credentials may read there"
        )


class NoBackup(BackupUnread):
    """A file of a backup is not there: the address is another one's, or the backup was not finished."""

    exit_code = 1

    def __init__(self, file: str) -> None:
        super().__init__(file, "there is no such file: it is no backup, or one that was not finished")


class HalfRestored(DeployError):
    """States and history are restored; keys and ledger have no database yet that they could be restored into."""

    def __init__(self, environment: str, place: str, reason: str) -> None:
        super().__init__(
            f"environment {environment}: states and history are restored, keys and ledger are not: {reason}; next: "
            f"slipway up {environment} --refresh makes the database, then run "
            f"slipway restore {environment} --from {place} --only ledger"
        )


class NoDatabase(SlipwayError):
    """The environment's database of keys and ledger does not run."""

    def __init__(self, environment: str, reason: str) -> None:
        super().__init__(
            f"environment {environment}: keys and ledger cannot be reached: {reason}; next: run slipway up "
            f"{environment} --refresh, which makes the database, then this command again"
        )
