"""Judge each control: which evidence there is in the plan, live and in the state, and what cannot be said here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from slipway.controls import objects
from slipway.controls.by_rules import by_rules, needed, of_cloud
from slipway.controls.catalogue import CONTROLS, Control
from slipway.controls.evidence import Evidence, Looked, Seen, Verdict
from slipway.controls.inputs import NOT_LIVE, CloudState, Inputs
from slipway.controls.kept import ledger_kept, logs_kept, predictions_kept, recovery
from slipway.controls.running import images_as_judged, residency, signatures, verified
from slipway.policy.resource import Resource
from slipway.values.names import environment_labels

_OF_CLUSTER = "others made the cluster, and its API does not say it"
_OWN_CHECK = Callable[[Seen, Sequence[Resource]], Looked]


@dataclass(frozen=True, slots=True)
class Finding:
    """One control, and what was found."""

    control: Control
    looked: Looked

    @property
    def verdict(self) -> Verdict:
        """What follows from what was read."""
        return self.looked.verdict


def findings(inputs: Inputs) -> tuple[Finding, ...]:
    """Every control, in the order of the catalogue."""
    return tuple(Finding(control, _looked(control, inputs)) for control in CONTROLS)


def _looked(control: Control, inputs: Inputs) -> Looked:
    found = _in_cluster(control.rules, inputs) + _in_cloud(control.rules, inputs)
    check = _CHECKS.get(control.id)
    return found + check(inputs) if check is not None else found


def _in_cluster(rules: Sequence[str], inputs: Inputs) -> Looked:
    # A namespace that others made is theirs: `denies` looks for the policy there, too.
    rules = [rule for rule in rules if rule != "default-deny"]
    found = Looked()
    for rule in rules:
        planned = by_rules((rule,), "plan", inputs.planned)
        if planned.evidence or planned.absent is not None:
            found += planned + _live_of(inputs, partial(by_rules, (rule,)), needed(rule))
    return found


def _live_of(inputs: Inputs, check: _OWN_CHECK, needs: Sequence[str]) -> Looked:
    """A check of what is live; a gap where nobody could see one of the kinds that it needs."""
    if isinstance(inputs.live, str):
        return Looked(gaps=(NOT_LIVE,))
    unread = tuple(why for kind, why in inputs.live.unread.items() if kind in needs)
    return Looked(gaps=unread) if unread else check("live", inputs.live.resources)


def _in_cloud(rules: Sequence[str], inputs: Inputs) -> Looked:
    asked = [rule for rule in rules if of_cloud(rule)]
    if inputs.cloud is None or not asked:
        return Looked()
    made = "the environment's program"
    planned = Looked(tuple(Evidence("plan", made, "resources", f"is written to rule {rule}") for rule in asked))
    if isinstance(inputs.cloud, str):
        return planned + Looked(gaps=(f"what its stack made in the cloud was not read: {inputs.cloud}",))
    return planned + _of_state(by_rules(asked, "state", inputs.cloud.resources), inputs.cloud)


def _of_state(found: Looked, cloud: CloudState) -> Looked:
    """Evidence of a state counts as live where the engine has just read it from the cloud and found it the same."""
    if not found.evidence:
        return found
    if not cloud.refreshed:
        why = f": {cloud.reason}" if cloud.reason else ""
        return found + Looked(gaps=(f"the cloud itself was not asked{why}; the state is of the last update",))
    evidence, gaps = [], []
    drifted = {f"{type_} {name}": fields for (type_, name), fields in cloud.drifted.items()}
    for one in found.evidence:
        if one.what in drifted:
            gaps.append(f"{one.what} is no longer as its state says: {', '.join(drifted[one.what]) or 'it is gone'}")
            evidence.append(one)
        else:
            evidence.append(replace(one, seen="live"))
    return replace(found, evidence=tuple(evidence), gaps=(*found.gaps, *gaps))


def _both(inputs: Inputs, check: _OWN_CHECK, *needs: str) -> Looked:
    return check("plan", inputs.planned) + _live_of(inputs, check, needs)


def _client(inputs: Inputs) -> Looked:
    found = _both(inputs, objects.doors, "Gateway", "ClientTrafficPolicy")
    if inputs.has_gateway:
        return found
    how = "no gateway: models speak HTTP at their Services, and what is before them is not known here"
    return found + Looked(gaps=(how,))


def _inside(_: Inputs) -> Looked:
    how = "pods speak HTTP to each other: only the cluster's own network can encrypt that, and its API does not say"
    return Looked(gaps=(how,))


def _at_rest(inputs: Inputs) -> Looked:
    if inputs.cloud is not None:
        return Looked()
    return Looked(gaps=(f"disks and Secrets are where the cluster keeps them: {_OF_CLUSTER}",))


def _states(inputs: Inputs) -> Looked:
    provider = inputs.secrets.get("secretsprovider", "")
    at = f"Pulumi.{inputs.plan.environment}.yaml"
    if provider:
        scheme = provider.partition("://")[0]
        found = Looked((Evidence("settings", at, "secretsprovider", scheme),))
    elif "encryptionsalt" in inputs.secrets:
        how = "a passphrase; whether it is a good one, nobody can read"
        found = Looked((Evidence("settings", at, "encryptionsalt", how),))
    else:
        found = Looked(gaps=("no secretsprovider and no encryptionsalt: the engine writes one with the first stack",))
    if isinstance(inputs.cloud, CloudState) and inputs.cloud.provider:
        what = f"state of stack {inputs.plan.environment}"
        found += Looked((Evidence("live", what, "deployment.secrets_providers.type", inputs.cloud.provider),))
    else:
        found += Looked(gaps=("the state itself was not read",))
    return found


def _callers(inputs: Inputs) -> Looked:
    return _both(inputs, objects.checked_routes, "HTTPRoute", "GRPCRoute", "SecurityPolicy")


def _least(inputs: Inputs) -> Looked:
    check = partial(objects.rights, namespace=inputs.plan.settings.namespace)
    return _both(inputs, check, "Role", "RoleBinding", "ClusterRoleBinding", "ServiceAccount")


def _administrators(inputs: Inputs) -> Looked:
    named = inputs.custody.administrators
    if named is None:
        return Looked(gaps=(f"who may administer it: {_OF_CLUSTER}",))
    at = f"Pulumi.{inputs.plan.environment}.yaml"
    evidence = (Evidence("settings", at, "administrators, access", "; ".join(named)),)
    return Looked(evidence, gaps=("who may take those roles is in the account, and was not read",))


def _network(inputs: Inputs) -> Looked:
    labels = environment_labels(inputs.plan.environment)

    def closed(seen: Seen, resources: Sequence[Resource]) -> Looked:
        return objects.denies(seen, resources, labels) + objects.openers(seen, resources)

    enforced = inputs.custody.enforces_policies
    gap = "whether the cluster's network enforces NetworkPolicies, its API does not say"
    return _both(inputs, closed, "NetworkPolicy") + Looked(gaps=() if enforced else (gap,))


def _trail(inputs: Inputs) -> Looked:
    trail = inputs.trail
    if isinstance(trail, str):
        return Looked(gaps=(trail,))
    if trail.findings:
        return Looked(tuple(Evidence("trail", "audit trail", "records", text, holds=False) for text in trail.findings))
    if not trail.records:
        return Looked(gaps=("there is no record yet: the next change begins it",))
    head = f"{trail.records} records, each as it was written; hash of the last: {trail.head}"
    return Looked((Evidence("trail", "audit trail", "records", head),))


_CHECKS: dict[str, Callable[[Inputs], Looked]] = {
    "encryption-client": _client,
    "encryption-inside": _inside,
    "encryption-at-rest": _at_rest,
    "encryption-states": _states,
    "callers-known": _callers,
    "least-privilege": _least,
    "administrators": _administrators,
    "network-closed": _network,
    "images-by-digest": images_as_judged,
    "images-signed": signatures,
    "changes-verified": verified,
    "audit-trail": _trail,
    "retention-logs": logs_kept,
    "retention-predictions": predictions_kept,
    "retention-ledger": ledger_kept,
    "recovery": recovery,
    "residency": residency,
}
"""What is looked at for a control beside rules of the policy; a control without either would be judged by nothing."""


def undeployed(inputs: Inputs) -> Iterator[str]:
    """Models that are planned and not live: what is proven is not about them."""
    if not isinstance(inputs.live, str):
        yield from (model.name for model in inputs.plan.models if model.name not in inputs.live.models)
