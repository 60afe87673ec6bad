"""Judge what is kept: for how long, and whether what cannot be made again is backed up."""

from slipway.controls.evidence import Evidence, Looked, Seen
from slipway.controls.inputs import CloudState, Inputs
from slipway.environments.planning.kinds import planning
from slipway.policy import aws
from slipway.spec.quality import Quality
from slipway.values.windows import DAY_S, format_window

_NOBODY = "others made the cluster: how long its logs are kept, its API does not say"


def logs_kept(inputs: Inputs) -> Looked:
    """Logs of the cluster go after days that the settings say; those of a state say it of each group."""
    days, at = inputs.custody.log_days, f"Pulumi.{inputs.plan.environment}.yaml"
    if days is None:
        return Looked(gaps=(_NOBODY,))
    found = Looked((Evidence("settings", at, inputs.custody.log_field, f"{days} days"),))
    if not isinstance(inputs.cloud, CloudState):
        return found + Looked(gaps=("the log groups themselves were not read",))
    evidence, live = [], inputs.cloud.refreshed
    for group in inputs.cloud.resources:
        if group.type == aws.LOG_GROUP:
            kept = group.read("retentionInDays")
            drifted = (group.type, group.name) in inputs.cloud.drifted
            says = f"{kept} days" if kept else "for ever"
            seen: Seen = "live" if live and not drifted else "state"
            evidence.append(Evidence(seen, f"{group.type} {group.name}", "retentionInDays", says, bool(kept)))
    return found + Looked(tuple(evidence), () if live else ("the cloud itself was not asked",))


def predictions_kept(inputs: Inputs) -> Looked:
    """What is kept of answers, which is for `quality` alone, goes when feedback can no longer change a measure."""
    kept = [(model.name, model.spec.quality) for model in inputs.plan.models if model.spec.quality is not None]
    if not kept:
        text = "no spec has `quality`: nothing of requests or answers is written down by Slipway's own servers"
        return Looked((Evidence("plan", "all models", "quality", text),), ("what a database holds was not read",))
    fields = "quality.labels_within, quality.window"
    evidence = (Evidence("plan", f"model {name}", fields, f"{prediction_days(one)} days") for name, one in kept)
    return Looked(tuple(evidence), ("rows of the database were not read; backups have theirs for as long as those",))


def prediction_days(quality: Quality) -> str:
    """For how many days a row of an answer is kept: until no feedback on it is taken, nor measured, any more."""
    return f"{(quality.labels_within + quality.window) / DAY_S:g}"


def ledger_kept(inputs: Inputs) -> Looked:
    """Nothing of the ledger is ever deleted by Slipway: statements are made from it."""
    if not inputs.has_gateway:
        return Looked((Evidence("plan", "the environment", "gateway", "no gateway, so no keys and no ledger"),))
    return Looked(absent="the ledger (key, model, time, counts of each call) is kept until somebody deletes it")


def recovery(inputs: Inputs) -> Looked:
    """The database of keys and ledger goes back some days; one that others run is theirs to keep."""
    gateway = planning(inputs.plan.settings).gateway
    if gateway is None:
        return Looked(
            (Evidence("plan", "the environment", "gateway", "no gateway: nothing that cannot be made again"),)
        )
    days, at = inputs.custody.backup_days, f"Pulumi.{inputs.plan.environment}.yaml"
    if days is not None:
        says = f"{format_window(days * DAY_S)} can be gone back to"
        return Looked((Evidence("settings", at, "gateway.database.keep_days", says),))
    if gateway.database is not None:
        text = "gateway.database.in_cluster is one pod and one volume: only `slipway backup` keeps what is in it"
        return Looked(absent=text)
    return Looked(gaps=(f"the database of Secret {gateway.database_secret} is others', and so are its backups",))
