"""Check resources against every rule that needs nothing else: what the engine registers, or rendered manifests."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from slipway.policy import aws, iam, kubernetes
from slipway.policy.resource import Resource, mapping
from slipway.policy.restricted_pod import restricted_pod
from slipway.policy.rules import BY_ID, EXCEPTABLE, Rule
from slipway.values.names import EXCEPTIONS_ANNOTATION

One = Callable[[Resource], Iterator[str]]
Many = Callable[[Sequence[Resource]], Iterator[tuple[Resource, str]]]

OF_ONE: dict[str, One] = {
    "image-by-digest": kubernetes.image_by_digest,
    "no-latest-tag": kubernetes.no_latest_tag,
    "restricted-pod": restricted_pod,
    "public-endpoint-key": kubernetes.public_endpoint_key,
    "public-auth": kubernetes.public_auth,
    "key-rotation": aws.key_rotation,
    "no-open-security-group": aws.no_open_security_group,
    "no-open-cluster-api": aws.no_open_cluster_api,
    "no-public-database": aws.no_public_database,
    "kept-database": aws.kept_database,
    "instance-metadata-v2": aws.instance_metadata_v2,
    "least-privilege": iam.least_privilege,
    "tags": aws.tags,
}
"""Checks that look at one resource; the engine stops before that resource is made."""

OF_ALL: dict[str, Many] = {
    "model-network-policy": kubernetes.model_network_policy,
    "default-deny": kubernetes.default_deny,
    "no-public-bucket": aws.no_public_bucket,
    "encryption-at-rest": aws.encryption_at_rest,
    "encryption-in-transit": aws.encryption_in_transit,
}
"""Checks that look at all resources of a stack together; the engine stops at the end of its preview."""


def excepted(resource: Resource, rule: str) -> bool:
    """Whether a model's spec justified an exception from a rule; `render` writes it to the model's objects."""
    given = mapping(resource.read("metadata.annotations")).get(EXCEPTIONS_ANNOTATION)
    return isinstance(given, str) and rule in EXCEPTABLE and rule in json.loads(given)


class Violation(NamedTuple):
    """What breaks a rule, and how."""

    rule: Rule
    resource: Resource
    problem: str


def violations(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Every violation in one stack, exceptions disregarded."""
    for id_, one in OF_ONE.items():
        for resource in resources:
            for problem in one(resource):
                yield Violation(BY_ID[id_], resource, problem)
    for id_, many in OF_ALL.items():
        for resource, problem in many(resources):
            yield Violation(BY_ID[id_], resource, problem)
