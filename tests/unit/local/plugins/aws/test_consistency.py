"""What the cluster of a rehearsal does not know yet although AWS said that it is there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.components.aws.consistency import KNOWN_S
from slipway.local.plugins.aws import consistency
from slipway.rehearsal.kubernetes_provider import accounts_of, accounts_of_workload

_SOON = timedelta(seconds=consistency.KNOWN_AFTER_S / 2)
_LATE = timedelta(seconds=consistency.KNOWN_AFTER_S)


def made(ago: timedelta, **fields: Any) -> dict[str, Any]:
    return {consistency.AT: (datetime.now(UTC) - ago).isoformat(), **fields}


def test_slipway_waits_longer_than_the_stand_in_delays() -> None:
    assert KNOWN_S > consistency.KNOWN_AFTER_S


def test_pods_that_start_with_an_association_that_is_not_known_yet_are_refused() -> None:
    def identities(ago: timedelta) -> dict[str, dict[str, Any]]:
        return {"slipway-prod:a-1": made(ago, namespace="kube-system", serviceAccount="cluster-autoscaler")}

    chart = {"namespace": "kube-system", "values": {"rbac": {"serviceAccount": {"name": "cluster-autoscaler"}}}}
    (problem,) = consistency.too_early(identities(_SOON), *accounts_of(chart))
    assert problem.startswith("pods of ServiceAccount kube-system/cluster-autoscaler would be admitted without cred")
    assert not list(consistency.too_early(identities(_LATE), *accounts_of(chart)))
    other = {"metadata": {"namespace": "slipway"}, "spec": {"template": {"spec": {"serviceAccountName": "digits"}}}}
    assert accounts_of_workload(other) == ("slipway", frozenset({"digits"}))
    assert not list(consistency.too_early(identities(_SOON), *accounts_of_workload(other)))
    assert accounts_of_workload({"metadata": {"name": "slipway"}, "spec": {}}) == ("", frozenset())
