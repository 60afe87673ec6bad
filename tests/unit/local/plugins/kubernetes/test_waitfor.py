"""The annotation pulumi.com/waitFor."""

import pytest

from slipway.local.plugins.kubernetes.waiting import waitfor
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Waiting

LIVE: Manifest = {
    "metadata": {"name": "a", "labels": {"x.y/z": "1"}},
    "spec": {"size": 3, "ports": [{"name": "http", "port": 80}, {"name": "grpc", "port": 81}]},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Synced", "status": "True"}, {"type": "Bad", "status": "False"}],
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "condition=Synced",
        "condition=Bad=False",
        "jsonpath={.status.phase}=Running",
        "jsonpath=.status.phase=Running",
        "jsonpath={.spec.size}=3",
        "jsonpath={.spec.ports[1].port}==81",
        "jsonpath={.spec.ports[-1].name}=grpc",
        "jsonpath={.spec.ports[*].name}=http",
        "jsonpath={.metadata.labels['x.y/z']}=1",
        r"jsonpath={.metadata.labels.x\.y/z}=1",
        'jsonpath={.status.conditions[?(@.type=="Bad")].status}=False',
        "jsonpath={.metadata.name}",
        '["condition=Synced", "jsonpath={.status.phase}=Running"]',
    ],
)
def test_an_object_that_satisfies_the_annotation_is_ready(text: str) -> None:
    assert waitfor.judge(waitfor.parse(text), LIVE) == Ready()


@pytest.mark.parametrize(
    "text",
    [
        "condition=Bad",
        "condition=Missing",
        "jsonpath={.status.phase}=Pending",
        "jsonpath={.status.missing}",
        "jsonpath={.spec.size}=30",
    ],
)
def test_an_object_that_does_not_is_waited_for_by_what_is_missing(text: str) -> None:
    assert waitfor.judge(waitfor.parse(f'["condition=Synced", "{text}"]'), LIVE) == Waiting(f"waits for {text}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ready",
        "condition=",
        "jsonpath=",
        "jsonpath={.a..b}=1",
        "jsonpath={.a[?(@.x>1)]}=1",
        "[]",
        "[1]",
        "[",
        "exists=.a",
    ],
)
def test_an_annotation_that_cannot_be_read_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(waitfor.WaitForError, match=r"annotation pulumi.com/waitFor is .* allowed are condition=<type>"):
        waitfor.parse(text)
