"""Compute every name and label before any resource exists."""

import hashlib
import re
from collections.abc import Mapping

DOMAIN = "slipway.dev"
MANAGED_BY = "slipway"
PROJECT = "slipway"
"""The Pulumi project that every stack belongs to."""
RELEASE_LABEL = f"{DOMAIN}/release"
VERIFIED_LABEL = f"{DOMAIN}/verified"
VERIFIED_REVISION = f"{DOMAIN}/verified-revision"
"""An annotation of a Deployment: the revision of its template that was judged right."""
HELD_BACK_ANNOTATION = f"{DOMAIN}/held-back"
"""Of a Deployment: the releases that a rollback took back, as JSON."""
RESTARTED_ANNOTATION = f"{DOMAIN}/restarted-at"
"""Of the pods of a Deployment: when somebody last had them replaced, and nothing else."""
ORIGIN_ANNOTATION = f"{DOMAIN}/origin"
"""Of a model's record: what the release was made by and from, as JSON."""
COLD_START_ANNOTATION = f"{DOMAIN}/cold-start"
"""Of a model's record: how long the start of a replica took, by part, as JSON."""
ROUTE_ANNOTATION = f"{DOMAIN}/route"
"""Of a model's HTTPRoute: who may call it, how often and at what price, as JSON for the keys service."""
SCALE_TARGET_ANNOTATION = f"{DOMAIN}/scale-target"
"""Of a model's ScaledObject: what it holds steady, as `p95_ms=100`."""
ROLLOUT_ANNOTATION = f"{DOMAIN}/rollout"
"""Of a model's HTTPRoute, while a new release is judged: the id of that rollout. Who sets weights tests it first."""
CANDIDATE_LABEL = f"{DOMAIN}/candidate-of"
"""On every object that a rollout adds, with the model as its value: the new release's, and its judge's."""
OWNER_ANNOTATION = f"{DOMAIN}/owner"
"""Of a model's Deployment: who answers for it."""
ENVIRONMENT_LABEL = f"{DOMAIN}/environment"
ADOPTED_LABEL = f"{DOMAIN}/adopted-by"
"""On a namespace that others made: the environment that may use it, and never deletes it."""
EXCEPTIONS_ANNOTATION = f"{DOMAIN}/policy-exceptions"
"""The exceptions of a spec as JSON, on the objects of its model: rule and reason."""
ENVIRONMENT_TAG = "slipway:environment"
"""The tag of every AWS resource of an environment: what costs are counted by, and what is left is found by."""
KEYS_SIGNING = "keys-signing"
"""The Secret with the key that passes to models are signed with: `private.pem`, Ed25519."""
GATEWAY_TRUST = "gateway-trust"
"""The ConfigMap with the public half of that key, `public.pem`, which model servers check passes by."""
CAPTURE_KEYS = "capture-keys"
"""The Secret by which samples are decrypted and found again: `private.pem`, X25519, and `digest.key`."""
CAPTURE_SEALING = "capture-sealing"
"""The Secret that pods encrypt samples by: `public.pem`, and the same `digest.key`."""
KEYS_DATABASE = "keys-database"
"""The database of keys and ledger, where the environment runs one; of its Secret too: `username`, `password`, `url`."""
GATEWAY_CERTIFICATE = "gateway-certificate"
"""The Secret with the gateway's self-signed certificate: `tls.crt`, `tls.key`, and its authority in `ca.crt`."""
AUTOSCALING = "autoscaling"
"""The alerts of an environment about whatever scales its models."""
ROUTES = "routes"
"""Who is told of the alerts of an environment."""
GATEWAY = "gateway"
"""The Gateway of an environment, and the policies about all of it."""
BATCH = "batch"
"""A model run over a file: the component of its pods."""
BATCH_LABEL = f"{DOMAIN}/batch-of"
"""On every object of a batch, with the model as its value."""
JUDGE = "judge"
"""What judges a new release while it has a part of the calls: its image, and the component of its pods."""
KEYS = "keys"
"""The service that checks clients' keys, and everything of it that has no name of its own."""
FLEET = "fleet"
"""The control side of a fleet: its image, and everything of it in its cluster."""
MODEL_TAG = "slipway:model"
MANAGED_BY_TAG = "slipway:managed-by"
SLICED_BY_LABEL = "endpointslice.kubernetes.io/managed-by"
"""On an EndpointSlice: who writes it. Kubernetes' own controller leaves those of others alone."""
POOL_LABEL = f"{DOMAIN}/pool"
STORE_LABEL = f"{DOMAIN}/fetches-from"
"""On pods that a policy of the environment lets reach its model store."""
STORE_POLICY = f"{PROJECT}-model-store"
"""The label of every node of a pool on AWS."""
SYSTEM_POOL = "system"
"""The pool of nodes that the platform itself runs on; no pool of the settings may have its name."""

_NAME_PART = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL_LIMIT = 63
SHORT = 16
"""Hex digits of a digest that go into names and labels: 64 bits."""


def stack(environment: str, model: str | None = None) -> str:
    """The Pulumi stack of an environment, or of a model in it."""
    return environment if model is None else f"{environment}.{model}"


def short(digest: str) -> str:
    """The part of a hex digest that goes into names and labels."""
    return digest[:SHORT]


def fitted(text: str, limit: int = _LABEL_LIMIT) -> str:
    """`text` as a Kubernetes label value of at most `limit` characters.

    What had to be changed ends in a hash of the whole, so that two texts never become one.
    """
    if len(text) <= limit and _LABEL_VALUE.fullmatch(text):
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    head = re.sub(r"[^A-Za-z0-9._-]", "_", text)[: limit - len(tail) - 1].strip("._-")
    return f"{head}-{tail}" if head else tail


def environment_labels(environment: str) -> dict[str, str]:
    """Labels on every object of an environment's own stack."""
    return {"app.kubernetes.io/managed-by": MANAGED_BY, ENVIRONMENT_LABEL: fitted(environment)}


def component_labels(component: str) -> dict[str, str]:
    """Labels that select the pods of a part of an environment's own.

    Not `app.kubernetes.io/name`: what has that and is managed by Slipway is a model's.
    """
    return {"app.kubernetes.io/component": component, "app.kubernetes.io/managed-by": MANAGED_BY}


def model_labels(environment: str, model: str, version: str, release_digest: str) -> dict[str, str]:
    """Labels on every object of a model."""
    return {
        "app.kubernetes.io/name": model,
        "app.kubernetes.io/instance": model,
        "app.kubernetes.io/version": fitted(version),
        "app.kubernetes.io/managed-by": MANAGED_BY,
        ENVIRONMENT_LABEL: fitted(environment),
        RELEASE_LABEL: short(release_digest),
    }


def selector(model: str) -> dict[str, str]:
    """Labels that select a model's pods; never one that changes between releases, a selector is immutable."""
    return {"app.kubernetes.io/name": model, "app.kubernetes.io/managed-by": MANAGED_BY}


def config_map(model: str, release_digest: str) -> str:
    """The ConfigMap of one release of a model."""
    return f"{model}-{short(release_digest)}"


def repository(model: str, environment: str) -> str:
    """The repository of a model's images in a registry in which each environment has repositories of its own."""
    return f"{PROJECT}/{environment}/{model}"


def copies(registry: str, environment: str, path: str = "") -> str:
    """Where copies of others' images are in an environment's registry; that at `path` in it. `registry`: may be ""."""
    return "/".join(filter(None, (registry, repository("platform", environment), path)))


def runtime_repository(runtime: str) -> str:
    """What stands for a model in the repository of the image below those of all models with this runtime."""
    return f"runtime-{runtime}"


def fleet_namespace(fleet: str) -> str:
    """The namespace of a fleet's control side, in a cluster that others may use, too."""
    return fitted(f"{PROJECT}-fleet-{_part(fleet)}")


def lock(model: str) -> str:
    """The Lease that one run holds while it deploys a model."""
    return f"{model}-deploying"


def candidate(model: str) -> str:
    """The Deployment, the Service and so on of a new release of a model, while it is judged beside the old one."""
    return f"{model}-candidate"


def judge(model: str) -> str:
    """All objects of what judges a new release of a model, but for its ConfigMap."""
    return f"{model}-judge"


def rollout(model: str) -> str:
    """The ConfigMap of a rollout: what is judged (`plan.json`) and what came of it so far (`state.json`)."""
    return f"{model}-rollout"


def judge_selector(model: str) -> dict[str, str]:
    """Labels that select the pods of a model's judge, which are no model's: nothing scales or scrapes them as such."""
    return component_labels(JUDGE) | {CANDIDATE_LABEL: model}


def batch(model: str, identity: str) -> str:
    """All objects of a batch: its Job, what that is told, and its rule of the network."""
    return f"{model[:40]}-batch-{identity[:12]}"


def batch_labels(model: str, identity: str) -> dict[str, str]:
    """Labels of a batch, which also select its pods: those are no model's, and nobody calls or scales them."""
    return component_labels(BATCH) | {BATCH_LABEL: model, f"{DOMAIN}/batch": identity}


def record(model: str) -> str:
    """The ConfigMap that keeps the last release of a model whose golden request was answered right."""
    return f"{model}-verified"


def _part(text: str) -> str:
    """`text` as a part of an object's name, which are lower-case letters, digits and hyphens.

    What had to be changed ends in a hash of the whole, so that two texts never become one.
    """
    if _NAME_PART.fullmatch(text):
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    head = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"{head}-{tail}" if head else tail


def priority_classes(namespace: str) -> str:
    """How the names of an environment's PriorityClasses begin.

    They are the cluster's, whose other environments may have any name, but never this namespace.
    """
    return f"{PROJECT}.{namespace}."


def priority_class(namespace: str, team: str, priority: int) -> str:
    """The PriorityClass of a team's pods; another priority is another class, since its value cannot change."""
    value = str(priority) if priority >= 0 else f"minus{-priority}"
    return f"{priority_classes(namespace)}{_part(team)}.{value}"


def platform_class(namespace: str) -> str:
    """The PriorityClass of an environment's own pods, where teams have priorities."""
    return f"{priority_classes(namespace)}platform"


def team_quota(team: str) -> str:
    """The ResourceQuota of a team's models."""
    return f"team-{_part(team)}"


def cluster(environment: str) -> str:
    """The EKS cluster of an environment; also the context for it in a kubeconfig, and the start of AWS names."""
    return f"{PROJECT}-{fitted(environment, 27)}"


def bastion(environment: str) -> str:
    """The instance that `slipway tunnel` goes through, its security group and its launch template."""
    return f"{cluster(environment)}-bastion"


def aws_tags(environment: str, tags: Mapping[str, str], model: str | None = None) -> dict[str, str]:
    """Tags of every AWS resource of an environment, or of a model in it: the settings' and Slipway's own."""
    own = {ENVIRONMENT_TAG: environment, MANAGED_BY_TAG: MANAGED_BY}
    return {**tags, **own, **({MODEL_TAG: model} if model is not None else {})}


def role(environment: str, user: str) -> str:
    """The IAM role of a part of an environment, or of a model in it."""
    return f"{cluster(environment)}-{fitted(user, 63 - len(cluster(environment)))}"


def control_plane_logs(environment: str) -> str:
    """The group of the control plane's logs, named as EKS wants it."""
    return f"/aws/eks/{cluster(environment)}/cluster"


def flow_logs(environment: str) -> str:
    """The group of the logs of what passes through the network."""
    return f"/slipway/{cluster(environment)}/flow-logs"


def log_groups(environment: str) -> tuple[str, ...]:
    """How the names of an environment's groups of logs begin, those that AWS makes by itself among them."""
    return tuple(f"{group.rpartition('/')[0]}/" for group in (control_plane_logs(environment), flow_logs(environment)))


def bucket(environment: str, account: str, region: str) -> str:
    """The bucket of models' weights; such names are unique in the whole world, so account and region are in it."""
    name = f"{cluster(environment)}-{account}-{region}".lower()
    return re.sub(r"[^a-z0-9.-]", "-", name)


def database(environment: str) -> str:
    """The database of keys and ledger; also how the names of its snapshots begin. RDS takes no two hyphens in a row."""
    return re.sub(r"[^a-z0-9]+", "-", f"{cluster(environment)}-keys".lower())


def node_group(pool: str, immutable: str) -> str:
    """A node group of a pool.

    `immutable` is a digest of what a node group cannot change, so that such a change is a new group beside the old.
    """
    return f"{fitted(pool, 40)}-{immutable[:8]}"
