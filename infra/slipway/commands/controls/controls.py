"""Hold an environment against controls: read its plan, its cluster, its stack's state and its trail; change nothing."""

import csv
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

from slipway import console
from slipway.commands.changing.session import engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.controls.checks import Finding, findings, undeployed
from slipway.controls.evidence import VERDICTS
from slipway.controls.inputs import NOT_LIVE, CloudState, Inputs, Signature, cloud_state, planned_objects
from slipway.controls.live import LiveState, live_state
from slipway.controls.objects import images
from slipway.controls.page import controls_page
from slipway.controls.processing import ASKED_OF_PEOPLE, Kept, kept_of_clients, processing_record
from slipway.engine.engine import Engine
from slipway.errors.base import FileRefused, Place, SlipwayError, UserError, UserErrors
from slipway.history.verify import Verified, verify
from slipway.signing.seal import seal_of
from slipway.values.names import short, stack
from slipway.values.sheets import as_text

Form = Literal["text", "json", "csv"]
NOT_LEGAL = "This is evidence, not legal advice: what it maps to helps to find it, and proves no compliance with a law."
_COLUMNS = ("CONTROL", "VERDICT", "WHAT HOLDS", "READ", "ASKED FOR BY")
_CSV = ("control", "title", "verdict", "gdpr", "ccpa", "soc2", "seen", "what", "field", "says", "holds", "reasons")
_RECORD = ("MODEL", "OWNER", "PURPOSE", "DATA", "WHO MAY SEND IT", "GOES TO", "KEPT")


def show_controls(context: EnvironmentContext, form: Form, page: Path | None, *, refresh: bool) -> None:
    """Print every control with its verdict, and the draft of the processing record.

    Args:
        context: the environment.
        form: of what is printed.
        page: where an HTML page is written instead of a text; None for none.
        refresh: whether the engine reads what its stack made from the cloud, which takes as long as a refresh.

    Raises:
        UserErrors: one for each control that the plan or the live state contradicts, after all were printed.
        FileRefused: the page cannot be written.
    """
    context.refuse_fleet()
    inputs = gathered(context, refresh=refresh)
    found = findings(inputs)
    if page is not None:
        _write(page, controls_page(inputs, found, NOT_LEGAL))
    if form == "json":
        console.document(document(inputs, found))
    elif form == "csv":
        _print_csv(found)
    elif page is None:
        _tell(inputs, found)
    against = [one for one in found if one.verdict == "failed"]
    if against:
        place = Place(f"environment {context.name}")
        todo = "see who changed it (slipway audit, the cluster's own log); `slipway up --refresh` puts it back"
        raise UserErrors(
            UserError(place, f"control {one.control.id}", "; ".join(_against(one)), one.control.title, todo)
            for one in against
        )


def gathered(context: EnvironmentContext, *, refresh: bool) -> Inputs:
    """Read all that there is; what cannot be read is said in place of it."""
    plan = context.plan
    live = _live(context)
    return Inputs(
        plan=plan,
        planned=planned_objects(plan),
        secrets=context.secrets,
        live=live,
        cloud=_cloud(context, refresh=refresh),
        trail=_trail(context),
        signatures=_signatures(context, live),
    )


def _live(context: EnvironmentContext) -> LiveState | str:
    bound = any(model.spec.data is not None for model in context.plan.models)
    try:
        return live_state(context.cluster, regions=bound)
    except SlipwayError as error:
        return _one_line(error)


def _cloud(context: EnvironmentContext, *, refresh: bool) -> CloudState | str | None:
    """What the environment's stack made, where it makes a cluster in an account."""
    if not context.running.makes_cluster:
        return None
    try:
        with engine_of(context) as (engine, _):
            state = engine.state(stack(context.name))
            if state is None:
                return f"stack {context.name} is not there yet"
            return _refreshed(engine, context.name, cloud_state(state), refresh=refresh)
    except SlipwayError as error:
        return _one_line(error)


def _refreshed(engine: Engine, environment: str, found: CloudState, *, refresh: bool) -> CloudState:
    """The same, with what the cloud says now, where it is asked and answers."""
    if not refresh:
        return replace(found, reason="--refresh asks it")
    try:
        asked = engine.preview(stack(environment), None)
    except SlipwayError as error:
        return replace(found, reason=_one_line(error))
    if asked is None:
        return found
    drifted = {(one.urn.split("::")[2].split("$")[-1], one.urn.rpartition("::")[2]): one.because for one in asked.steps}
    return replace(found, refreshed=True, drifted=drifted)


def _trail(context: EnvironmentContext) -> Verified | str:
    try:
        notes = notes_of(context)
        return verify(notes.trail, notes.store, context.name)
    except SlipwayError as error:
        return _one_line(error)


def _signatures(context: EnvironmentContext, live: LiveState | str) -> dict[str, Signature]:
    """What cosign says of each live image whose release is the planned one: of another nobody knows what is in it."""
    seal = seal_of(context.file, os.environ)
    if seal is None or isinstance(live, str):
        return {}
    found = {}
    deployments = {one.name: one for one in live.of("Deployment")}
    for model in context.plan.models:
        there, deployment = live.models.get(model.name), deployments.get(model.name)
        if there is None or deployment is None or there.release != short(model.release_digest):
            continue
        image = next((one for one in images(deployment).values() if one.startswith(model.image.repository)), None)
        if image is None:
            continue
        told: list[str] = []
        try:
            seal.verify(model, image, told.append)
        except SlipwayError as error:
            told.append(_one_line(error))
        found[model.name] = Signature(image, "; ".join(told) or None)
    return found


def document(inputs: Inputs, found: tuple[Finding, ...]) -> dict[str, object]:
    """All of it as JSON values."""
    return {
        "environment": inputs.plan.environment,
        "notice": NOT_LEGAL,
        "counts": {verdict: sum(one.verdict == verdict for one in found) for verdict in VERDICTS},
        "notLive": inputs.live if isinstance(inputs.live, str) else None,
        "notDeployed": list(undeployed(inputs)),
        "controls": [
            one.control.to_json()
            | {
                "verdict": one.verdict,
                "reasons": list(one.looked.reasons),
                "evidence": [evidence.to_json() for evidence in one.looked.evidence],
            }
            for one in found
        ],
        "processing": {
            "home": inputs.custody.home,
            "models": [one.to_json() for one in processing_record(inputs)],
            "clients": [one.to_json() for one in kept_of_clients(inputs)],
            "notKnown": list(ASKED_OF_PEOPLE),
        },
    }


def _tell(inputs: Inputs, found: tuple[Finding, ...]) -> None:
    rows = [
        [one.control.id, one.verdict, one.control.title, f"{len(one.looked.evidence)}", one.control.mapping]
        for one in found
    ]
    console.table(_COLUMNS, rows)
    for one in found:
        for reason in one.looked.reasons if one.verdict != "proven" else ():
            console.result(f"{one.control.id}: {reason}")
    if isinstance(inputs.live, str):
        console.result(f"{NOT_LIVE}: {inputs.live}")
    for name in undeployed(inputs):
        console.result(f"model {name} is planned and not deployed: what is proven is not about it")
    console.result("")
    console.table(
        _RECORD,
        [
            [one.model, one.owner, one.purpose, one.data, one.callers, one.recipients, _kept(one.kept)]
            for one in processing_record(inputs)
        ],
        title="What models process (a draft for a record of GDPR Art. 30; --json has all of it)",
    )
    for text in ASKED_OF_PEOPLE:
        console.result(f"to fill in: {text}")
    console.message(NOT_LEGAL)


def _kept(kept: tuple[Kept, ...]) -> str:
    return "; ".join(f"{one.what}: {one.how_long}" for one in kept)


def _print_csv(found: tuple[Finding, ...]) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(_CSV)
    for one in found:
        control = one.control
        laws = [", ".join(part) for part in (control.gdpr, control.ccpa, control.soc2)]
        head = [control.id, control.title, one.verdict, *laws]
        reasons = "; ".join(one.looked.reasons)
        seen = [[e.seen, e.what, e.field, e.says, str(e.holds).lower()] for e in one.looked.evidence] or [[""] * 5]
        lines.writerows(as_text([*head, *row, reasons]) for row in seen)


def _against(finding: Finding) -> list[str]:
    return [one.line() for one in finding.looked.evidence if not one.holds]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(path), problem, "a file in a folder that is there", "name another with --html") from None


def _one_line(error: SlipwayError) -> str:
    return " ".join(str(error).split())
