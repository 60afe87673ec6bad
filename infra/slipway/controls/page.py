"""Write controls and the processing record as one HTML page that needs nothing else."""

from collections.abc import Sequence

from slipway.controls.checks import Finding, undeployed
from slipway.controls.evidence import VERDICTS
from slipway.controls.inputs import Inputs
from slipway.controls.processing import ASKED_OF_PEOPLE, kept_of_clients, processing_record
from slipway.simulation.page import Table, page


def controls_page(inputs: Inputs, found: Sequence[Finding], notice: str) -> str:
    """The page: controls, the evidence of each, what models process, what people have to add."""
    counts = ", ".join(
        f"{count} {verdict}" for verdict in VERDICTS if (count := sum(one.verdict == verdict for one in found))
    )
    lines = [notice, counts]
    lines += [f"Nothing live was read: {inputs.live}"] if isinstance(inputs.live, str) else []
    lines += [f"Model {name} is planned, not deployed: what is proven is not about it." for name in undeployed(inputs)]
    lines += [f"To fill in: {text}" for text in ASKED_OF_PEOPLE]
    return page(f"{inputs.plan.environment}: controls", lines, None, _tables(inputs, found))


def _tables(inputs: Inputs, found: Sequence[Finding]) -> list[Table]:
    controls = [
        [one.control.id, one.verdict, one.control.title, one.control.mapping, "; ".join(one.looked.reasons)]
        for one in found
    ]
    evidence = [
        [one.control.id, each.seen, each.what, each.field, each.says] for one in found for each in one.looked.evidence
    ]
    record = processing_record(inputs)
    models = [[r.model, r.owner, r.purpose, r.data, r.where, r.callers, r.recipients] for r in record]
    kept = [[r.model, k.what, k.where, k.how_long, k.who] for r in record for k in r.kept]
    kept += [["(clients)", k.what, k.where, k.how_long, k.who] for k in kept_of_clients(inputs)]
    return [
        ("Controls", ("Control", "Verdict", "What holds", "Asked for by", "Why it is not proven"), controls),
        ("What was read", ("Control", "Seen", "What", "Field", "It says"), evidence),
        ("What models process", ("Model", "Owner", "Purpose", "Data", "Where", "Who may send it", "Goes to"), models),
        ("What is kept", ("Model", "What", "Where", "How long", "Who may reach it"), kept),
    ]
