"""Make the objects of a batch out of the Deployment that serves: its pods, without what makes them servers."""

import base64
import copy
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.batches.given import Batch
from slipway.batches.store import LIFE
from slipway.environments.planning.model_store import ModelStore
from slipway.values import names
from slipway.values.aliases import Json
from slipway.values.quantities import compact_json, format_bytes, parse_bytes

REFUSED, MUST_NOT_SERVE, STORE_BROKE = 1, 3, 75
"""Codes that `slipway_server.batch` ends with; see there."""
_OLD_SERVER = 2
"""What a server's image ends with that does not know the argument."""
_CONTAINER = "server"
_WORK_FOLDER, _DATA_FOLDER = "/etc/slipway-batch", "/data"
_SPARE = 16 * 2**20
_DAY_S = int(LIFE.total_seconds())
_TRIES = 6
_OF_SERVERS = ("ports", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe")


def job(batch: Batch, deployment: Json, parallel: int) -> Json:
    """Return the Job, not yet let go: its pods need the other objects, and those name it as their owner.

    Args:
        batch: what it computes.
        deployment: of the model, as it serves.
        parallel: pods at once, each with a share of the parts.
    """
    name, labels = names.batch(batch.model, batch.id), names.batch_labels(batch.model, batch.id)
    template = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"] = {"labels": labels | {names.RELEASE_LABEL: batch.release}}
    spec = template["spec"]
    spec |= {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5}
    volume = format_bytes(-(-(batch.input.size + _SPARE) // 2**20) * 2**20)
    (server,) = (one for one in spec["containers"] if one["name"] == _CONTAINER)
    for key in _OF_SERVERS:
        server.pop(key, None)
    server["command"] = ["python3", "-m", "slipway_server.batch", "--work", _WORK_FOLDER, _DATA_FOLDER]
    server["volumeMounts"] += [
        {"name": "work", "mountPath": _WORK_FOLDER, "readOnly": True},
        {"name": "data", "mountPath": _DATA_FOLDER},
    ]
    for amounts in server["resources"].values():
        amounts["ephemeral-storage"] = format_bytes(parse_bytes(amounts["ephemeral-storage"]) + parse_bytes(volume))
    config = _config_volume(spec)
    # A copy: that of the release goes with the release, and pods of a batch may start after it.
    config["configMap"]["name"] = name
    spec["volumes"] += [
        {"name": "work", "secret": {"secretName": name, "defaultMode": 0o440}},
        {"name": "data", "emptyDir": {"sizeLimit": volume}},
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [_owner(deployment)]},
        "spec": {
            "suspend": True,
            "completionMode": "Indexed",
            "completions": parallel,
            "parallelism": parallel,
            "backoffLimit": _TRIES * parallel,
            "activeDeadlineSeconds": _DAY_S,
            "ttlSecondsAfterFinished": _DAY_S,
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",
                        "onExitCodes": {
                            "containerName": _CONTAINER,
                            "operator": "In",
                            "values": [REFUSED, _OLD_SERVER, MUST_NOT_SERVE],
                        },
                    },
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": template,
        },
    }


def beside(
    job: Json, batch: Batch, store: ModelStore, config: Mapping[str, str], work: Mapping[str, bytes]
) -> list[Json]:
    """Return what a Job's pods need, all of which goes with it.

    Args:
        job: as the cluster has it.
        batch: what it computes.
        store: that the pods may connect to, and to nothing else.
        config: files of the model server's configuration.
        work: files that say what to do, with addresses that are as good as credentials.
    """
    labels = names.batch_labels(batch.model, batch.id)
    metadata = {"name": job["metadata"]["name"], "labels": labels, "ownerReferences": [_owner(job)]}
    encoded = {name: base64.b64encode(data).decode() for name, data in work.items()}
    fence = {
        "podSelector": {"matchLabels": labels},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [dict(rule) for rule in store.egress],
    }
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(config)},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": fence},
    ]


def work(
    batch: Batch, tag: str, get: str, heads: Sequence[str], puts: Sequence[str], workers: int, authority: bytes | None
) -> dict[str, bytes]:
    """Return the files that say what to do; `slipway_server.batch.work` reads them.

    Args:
        batch: what is computed.
        tag: of the input in the store.
        get: address of the input.
        heads: addresses to ask for each part, and for what says that all are there.
        puts: the same to put them.
        workers: how many share the parts.
        authority: certificates of those who may vouch for the store; None where it speaks no TLS.
    """
    targets = [{"head": head, "put": put} for head, put in zip(heads, puts, strict=True)]
    said = {
        "input": {"get": get, "size": batch.input.size, "tag": tag},
        "suffix": batch.input.suffix,
        "parts": targets[:-1],
        "done": targets[-1],
        "workers": workers,
    }
    # The same but for a signature, a thousand times: a Secret holds 1 MiB.
    files = {"work.json.gz": gzip.compress(compact_json(said).encode(), mtime=0)}
    return files if authority is None else files | {"ca.pem": authority}


def config_map_of(deployment: Json) -> str:
    """Return the name of the ConfigMap that the pods of a Deployment are configured by."""
    return str(_config_volume(deployment["spec"]["template"]["spec"])["configMap"]["name"])


def _config_volume(spec: Json) -> Json:
    found: Json = next(one for one in spec["volumes"] if one["name"] == "config")
    return found


def _owner(of: Json) -> dict[str, Any]:
    """What the cluster's garbage collector goes by."""
    metadata = of["metadata"]
    return {"apiVersion": of["apiVersion"], "kind": of["kind"], "name": metadata["name"], "uid": metadata["uid"]}
