"""What the engine printed becomes one outcome."""

import json

from slipway.engine.events import Steps, outcome

URN = "urn:pulumi:local.digits::slipway::slipway:model:Model$kubernetes:apps/v1:Deployment::digits"


def lines(*events: object) -> str:
    return "\n".join(json.dumps(event) for event in events)


def test_an_error_begins_with_the_object_it_is_about() -> None:
    event = {"diagnosticEvent": {"severity": "error", "urn": URN, "message": "error: image cannot be pulled\n"}}
    assert outcome(255, lines(event), "").errors == ("Deployment digits: error: image cannot be pulled",)


def test_the_same_error_is_told_once_and_the_engines_closing_line_not_at_all() -> None:
    said = {"diagnosticEvent": {"severity": "error", "urn": "", "message": "boom"}}
    closing = {"diagnosticEvent": {"severity": "error", "urn": "", "message": "update failed"}}
    assert outcome(255, lines(said, said, closing), "").errors == ("boom",)


def test_a_programs_failure_is_told_once_though_grpc_tells_it_too() -> None:
    said = [
        {"diagnosticEvent": {"severity": "error", "urn": "", "message": text}}
        for text in ("registry of x: gone; next: see", "Exception calling application: registry of x: gone; next: see")
    ]
    assert outcome(255, lines(*said), "").errors == ("registry of x: gone; next: see",)
    assert outcome(255, lines(*reversed(said)), "").errors == ("registry of x: gone; next: see",)


def test_warnings_and_debug_messages_are_no_errors() -> None:
    event = {"diagnosticEvent": {"severity": "warning", "urn": "", "message": "mind"}}
    assert outcome(0, lines(event), "").errors == ()


def test_colours_are_taken_out() -> None:
    event = {"diagnosticEvent": {"severity": "error", "message": "<{%fg 1%}>no\x1b[31m way<{%reset%}>"}}
    assert outcome(1, lines(event), "").errors == ("no way",)


def test_a_failure_without_diagnostics_gives_what_was_printed_on_standard_error() -> None:
    assert outcome(255, "", "error: no stack named 'x' found\n").errors == ("no stack named 'x' found",)


def test_a_failure_that_printed_nothing_at_all_gives_the_code() -> None:
    assert outcome(7, "", "").errors == ("the Pulumi CLI ended with code 7",)


def test_lines_that_are_no_events_are_passed_over() -> None:
    text = 'hello\n{broken\n[1]\n"x"\n' + lines({"summaryEvent": {"resourceChanges": {"create": 2, "same": 5}}})
    result = outcome(0, text, "")
    assert not result.failed
    assert result.changes == {"create": 2, "same": 5}


def test_only_what_the_engine_changed_counts_as_changed() -> None:
    text = lines({"summaryEvent": {"resourceChanges": {"create": 2, "same": 5, "delete": 1, "read": 3}}})
    assert outcome(0, text, "").changed == 3


def step(kind: str, op: str, name: str, *, custom: bool = True) -> str:
    urn = f"urn:pulumi:prod::slipway::aws:eks/nodeGroup:NodeGroup::{name}"
    return lines({kind: {"metadata": {"op": op, "urn": urn, "new": {"custom": custom}}}})


def test_what_is_under_way_is_told_with_what_is_done() -> None:
    steps = Steps()
    assert steps.follow(step("resourcePreEvent", "create", "cpu")) == "creating NodeGroup cpu"
    assert steps.follow(step("resourcePreEvent", "update", "gpu")) == "creating NodeGroup cpu, updating NodeGroup gpu"
    assert steps.follow(step("resOutputsEvent", "create", "cpu")) == "1 done; updating NodeGroup gpu"
    assert steps.follow(step("resOpFailedEvent", "update", "gpu")) is None


def test_of_many_under_way_three_are_named() -> None:
    steps = Steps()
    texts = [steps.follow(step("resourcePreEvent", "delete", name)) for name in "abcde"]
    assert texts[-1] == "deleting NodeGroup a, deleting NodeGroup b, deleting NodeGroup c and 2 more"


def test_components_and_what_stays_the_same_are_nothing_to_wait_for() -> None:
    steps = Steps()
    assert steps.follow(step("resourcePreEvent", "create", "network", custom=False)) is None
    assert steps.follow(step("resourcePreEvent", "same", "cpu")) is None
    assert steps.follow("no event") is None
    provider = {"op": "create", "urn": "u", "type": "pulumi:providers:aws", "new": {"custom": True}}
    assert steps.follow(lines({"resourcePreEvent": {"metadata": provider}})) is None
