"""Run `adapt`: do what specs declare about models of which an alert of drift or quality fires."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from slipway import console
from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.changing.session import Options, confirm
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.audit import newest
from slipway.commands.inspecting.declared import declared
from slipway.commands.inspecting.drift import drifted_features
from slipway.commands.inspecting.noting import notes_of
from slipway.commands.versions.rollback import roll_model_back
from slipway.deploy.record import live_model
from slipway.deploy.update.state import rollout_of
from slipway.environments.planning.kinds import planning
from slipway.errors.base import FileRefused, Place, SlipwayError, UserError
from slipway.history.errors import HistoryUnread
from slipway.history.record import EventAction
from slipway.plan.model import ModelPlan
from slipway.spec.adapt import Adapt
from slipway.values.names import fitted
from slipway.versions.adapt import ALERT_OF, Decision, Firing, Seen, decide

_ACTION: EventAction = "adapt"
_REFUSAL = ("is not in its spec, so nothing is ever done", "models with adapt", "add adapt to its spec")
_PROFILE_MOST = 50_000
"""Characters of features that a workflow is given: GitHub takes 65,535 of all inputs together."""


def adapt_models(
    context: EnvironmentContext,
    names: Sequence[str],
    requests: Path | None,
    options: Options,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Decide about each model whose spec has `adapt`, or about some, and do it; say why nothing is done elsewhere.

    Every model is decided about before the first is changed. What fails at one leaves the others to be done.

    Raises:
        UnknownName: no spec has such a name here.
        UserError: a model that is named has no `adapt`, or `requests` is missing for one that is to be trained anew.
        SlipwayError: Prometheus or the audit trail gives no answer, so that nothing is known; or something failed.
    """
    chosen = declared(context, _ACTION, names, _REFUSAL)
    decided = _decide_all(context, chosen)
    acting = [model for model in chosen if decided[model.name].act]
    _refuse_without_folder(context, acting, requests)
    done: dict[str, str] = {}
    if acting and not dry_run:
        for model in acting:
            console.message(f"{model.name}: {_adapt(model).do}, since {decided[model.name].why}")
        confirm(f"do that in {context.name}", options, changing=True)
        # Asked once for all: a second question in the middle of a schedule's run is of use to nobody.
        done = {model.name: _act(context, model, decided[model.name], requests) for model in acting}
    _show(context, chosen, decided, done, as_json=as_json)
    if failed := [name for name, text in done.items() if text]:
        raise SlipwayError(f"failed: {', '.join(failed)}; next: what each said is above, and in slipway history")


def _adapt(model: ModelPlan) -> Adapt:
    if model.spec.adapt is None:
        raise ValueError(f"{model.name} has no adapt")
    return model.spec.adapt


def _decide_all(context: EnvironmentContext, chosen: Sequence[ModelPlan]) -> dict[str, Decision]:
    if not chosen:
        return {}
    now = datetime.now(UTC)
    firing = _firing(context)
    last = _last_done(context, now - timedelta(seconds=max(_adapt(model).cooldown for model in chosen)))
    decided: dict[str, Decision] = {}
    for model in chosen:
        live = live_model(context.cluster, model.name)
        seen = Seen(
            firing=tuple(firing.get(model.name, ())),
            version=live.version if live is not None and live.serves else None,
            judged=rollout_of(context.cluster, model.name) is not None,
            last=last.get(model.name),
            now=now,
        )
        decided[model.name] = decide(_adapt(model), seen)
    return decided


def _firing(context: EnvironmentContext) -> dict[str, list[Firing]]:
    """The alerts of drift and quality that fire, by model."""
    monitoring = planning(context.settings).monitoring
    if monitoring is None:
        raise ValueError(f"{context.name} has adapt and no monitoring, which is refused")
    names = "|".join(ALERT_OF.values())
    query = f'ALERTS{{environment="{fitted(context.name)}",alertstate="firing",alertname=~"{names}"}}'
    found: dict[str, list[Firing]] = {}
    try:
        for labels, _ in Prometheus(context.cluster, monitoring.prometheus).samples(query):
            one = Firing(labels["alertname"], labels.get("version", ""), labels.get("feature", ""))
            found.setdefault(labels.get("model", ""), []).append(one)
    except Silent as silent:
        todo = "next: have the environment's Prometheus answer (slipway doctor), then run the command again"
        raise SlipwayError(f"nothing is done, since no alert is known: {silent}; {todo}") from None
    return found


def _last_done(context: EnvironmentContext, since: datetime) -> dict[str, datetime]:
    """When something was last begun about each model, by the audit trail.

    Raises `NoHistory` and `HistoryUnread`: where nobody knows what was done, nothing is.
    """
    found: dict[str, datetime] = {}
    for one in newest(notes_of(context).trail):
        if isinstance(one, HistoryUnread):
            raise one
        event = one[0].event
        if one[0].what.time < since:
            break
        if event is not None and event.action == _ACTION:
            found.setdefault(event.subject, event.time)
    return found


def _refuse_without_folder(context: EnvironmentContext, acting: Sequence[ModelPlan], requests: Path | None) -> None:
    for model in acting:
        if _adapt(model).do == "retrain" and requests is None:
            problem = f"is missing, and {model.name} is to be trained anew"
            todo = f"slipway adapt {context.name} --requests retraining"
            raise UserError(Place("command line"), "--requests", problem, "a folder to write into", todo)


def _act(context: EnvironmentContext, model: ModelPlan, decision: Decision, requests: Path | None) -> str:
    """Do it; returns why it failed, or an empty text."""
    adapt = _adapt(model)
    try:
        with notes_of(context).during(_ACTION, model.name, [adapt.do, decision.why]):
            if adapt.do == "rollback":
                reason = f"adapt: {decision.why}"
                roll_model_back(context, model.name, None, reason, Options(yes=True, jobs=1))
            elif requests is not None:
                _write_request(context, model, decision.why, requests)
            else:
                raise ValueError(f"{model.name} is to be trained anew, and no folder is named")
    except SlipwayError as error:
        console.message(f"{model.name}: {error}")
        return str(error)
    return ""


def _write_request(context: EnvironmentContext, model: ModelPlan, why: str, folder: Path) -> None:
    """Write the inputs of a workflow that trains, as `gh workflow run --json` takes them: texts, by name."""
    features = drifted_features(context, model.name) if model.spec.drift is not None else []
    kept = len(features)
    while len(profile := json.dumps(features[:kept], separators=(",", ":"))) > _PROFILE_MOST:
        kept -= 1
    inputs = {
        "environment": context.name,
        "model": model.name,
        "version": model.version,
        "reason": why,
        "profile": profile,
        "left_out": str(len(features) - kept),
    }
    path = folder / f"{model.name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(inputs, indent=2) + "\n")
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(path), problem, "a folder of yours", "name another with --requests") from None


def _show(
    context: EnvironmentContext,
    chosen: Sequence[ModelPlan],
    decided: dict[str, Decision],
    done: dict[str, str],
    *,
    as_json: bool,
) -> None:
    rows = []
    for model in chosen:
        decision = decided[model.name]
        became = "nothing" if not decision.act else "would be done" if model.name not in done else "done"
        became = "failed" if done.get(model.name) else became
        rows.append({"model": model.name, "do": _adapt(model).do, "became": became, "why": decision.why})
    if as_json:
        console.document({"environment": context.name, "models": rows})
    elif rows:
        console.table(("MODEL", "DO", "BECAME", "WHY"), [list(row.values()) for row in rows])
    else:
        console.result(f"no model of {context.name} has adapt in its spec")
