"""Say why a tool's environment cannot be had, and why a step that ran in it gave nothing."""

from collections.abc import Sequence

from slipway.errors.base import SlipwayError


class BoxUnavailable(SlipwayError):
    """A tool environment could not be made. `reason`: uv's own words, or whom it waited for."""

    def __init__(self, name: str, folder: str, reason: str) -> None:
        super().__init__(
            f"the tool environment {name}, which runs steps of `optimize` and of the gate, could not be made in "
            f"{folder}: {reason}; next: give this machine a package index (UV_DEFAULT_INDEX names a mirror), or copy "
            "that folder of a machine which has it (same path, same Python), then run the command again"
        )


class StepRefused(Exception):
    """A step cannot do what was asked for. The three parts are those of a `UserError`; the caller has the place."""

    def __init__(self, problem: str, allowed: str, todo: str) -> None:
        super().__init__(f"{problem}; allowed: {allowed}; next: {todo}")
        self.problem = problem
        self.allowed = allowed
        self.todo = todo


class StepFailed(SlipwayError):
    """A step ended without a result. `how`: by which code, signal or limit; `said`: the last lines that it printed."""

    def __init__(self, script: str, how: str, said: Sequence[str], todo: str = "") -> None:
        words = "".join(f"\n  {line}" for line in said) if said else " it printed nothing"
        super().__init__(f"the step {script} {how}{f'; next: {todo}' if todo else ''}; its last lines:{words}")
        self.how = how
        self.said = tuple(said)
