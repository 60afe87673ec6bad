"""The policy for `slipway doctor` and `slipway catalog update` names what they ask, no more, and only what reads."""

import json
import re

from botocore.session import Session

from slipway.doctor.patient import action_of
from tests.support.planned import ROOT

POLICY = json.loads((ROOT / "docs/how-to/aws/doctor-policy.json").read_text())
SOURCES = (*sorted((ROOT / "infra/slipway/doctor").glob("*.py")), ROOT / "infra/slipway/aws/offers.py")
CALL = re.compile(r'(?:ask|call)\(\s*"([a-z0-9-]+)",\s*"([a-z0-9_]+)"')
OF_BUCKET = re.compile(r'_has\(patient, bucket, "([a-z_]+)"')
READING = ("Describe", "Get", "List")
NOT_GRANTED = {"sts:GetCallerIdentity"}
"""Needs no permission (Service Authorization Reference, AWS STS)."""


def asked() -> set[tuple[str, str]]:
    texts = [file.read_text() for file in SOURCES]
    return {call for text in texts for call in CALL.findall(text)} | {
        ("s3", operation) for text in texts for operation in OF_BUCKET.findall(text)
    }


def test_the_policy_has_what_is_asked_and_nothing_else() -> None:
    (statement,) = POLICY["Statement"]
    assert len(asked()) > 20
    assert {action_of(*call) for call in asked()} - NOT_GRANTED == set(statement["Action"])


def test_everything_that_is_asked_is_a_call_of_aws_that_reads() -> None:
    for service, operation in asked():
        model = Session().get_service_model(service)
        names = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in model.operation_names}
        name = names[operation.replace("_", "")]
        assert name.startswith((*READING, "HeadBucket")), name
