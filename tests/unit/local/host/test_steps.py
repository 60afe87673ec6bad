"""The order, failure and results of steps."""

import threading

import pytest

from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report, Step, StepResult, check, run


class Recorder:
    """Records what a display is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, name: str) -> None:
        self.events.append(("started", name))

    def at(self, name: str, what: str) -> None:
        self.events.append((name, what))

    def finished(self, done: StepResult) -> None:
        self.events.append(("finished", done.name))

    def failed(self, name: str, seconds: float) -> None:
        self.events.append(("failed", name))


def says(result: str) -> "Step":
    return Step(result, lambda _: result)


def test_a_step_starts_only_after_all_steps_that_it_comes_after_are_done() -> None:
    recorder = Recorder()
    run(
        [
            Step("image", lambda _: "", after=("packages", "engine")),
            Step("engine", lambda _: "", after=("packages",)),
            Step("packages", lambda _: ""),
        ],
        recorder,
    )
    names = [name for kind, name in recorder.events if kind == "finished"]
    assert names == ["packages", "engine", "image"]
    assert recorder.events.index(("started", "image")) > recorder.events.index(("finished", "engine"))


def test_steps_without_needs_run_side_by_side() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(_: Report) -> str:
        meeting.wait()
        return "met"

    ended = run([Step("one", meet), Step("other", meet)], Recorder())
    assert {done.result for done in ended} == {"met"}


def test_results_and_reports_reach_the_display_and_the_caller() -> None:
    def work(report: Report) -> str:
        report("half")
        return "whole"

    recorder = Recorder()
    (done,) = run([Step("work", work)], recorder)
    assert (done.name, done.result) == ("work", "whole")
    assert recorder.events == [("started", "work"), ("work", "half"), ("finished", "work")]


def test_after_a_failure_nothing_new_starts_and_what_runs_is_finished() -> None:
    failed = threading.Event()

    def fail(_: Report) -> str:
        raise LocalError("no space")

    def slow(_: Report) -> str:
        assert failed.wait(10)
        return "kept"

    class Tells(Recorder):
        def failed(self, name: str, seconds: float) -> None:
            super().failed(name, seconds)
            failed.set()

    recorder = Tells()
    with pytest.raises(LocalError, match="bad: no space"):
        run([Step("bad", fail), Step("slow", slow), Step("later", lambda _: "", after=("slow",))], recorder)
    assert ("finished", "slow") in recorder.events
    assert ("started", "later") not in recorder.events


def test_every_failed_step_is_in_the_message() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def fail(_: Report) -> str:
        meeting.wait()
        raise LocalError("why")

    with pytest.raises(LocalError) as caught:
        run([Step("a", fail), Step("b", fail)], Recorder())
    assert sorted(str(caught.value).splitlines()) == ["a: why", "b: why"]


def test_a_run_that_is_repeated_after_a_failure_goes_on_from_what_was_kept() -> None:
    kept: set[str] = set()
    runs: list[str] = []

    def cached(name: str) -> Step:
        def work(_: Report) -> str:
            if name not in kept:
                runs.append(name)
                if name == "second" and runs.count("second") == 1:
                    raise LocalError("truncated")
                kept.add(name)
            return name

        return Step(name, work, after=("first",) if name == "second" else ())

    steps = [cached("first"), cached("second")]
    with pytest.raises(LocalError):
        run(steps, Recorder())
    run(steps, Recorder())
    assert runs == ["first", "second", "second"]


@pytest.mark.parametrize(
    "steps",
    [
        [says("a"), says("a")],
        [Step("a", lambda _: "", after=("nowhere",))],
        [Step("a", lambda _: "", after=("b",)), Step("b", lambda _: "", after=("a",))],
    ],
    ids=["a name twice", "an unknown need", "a circle"],
)
def test_steps_that_could_never_run_are_refused_before_any_starts(steps: list[Step]) -> None:
    with pytest.raises(ValueError, match="step"):
        check(steps)
