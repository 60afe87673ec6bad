"""Check what an account has to have once: roles of AWS's services, the tag of costs, the bucket of Pulumi's state."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.errors.failures import AwsRefused
from slipway.values.names import ENVIRONMENT_TAG

_ROLES = {
    "AWSServiceRoleForAmazonEKS": "eks.amazonaws.com",
    "AWSServiceRoleForAmazonEKSNodegroup": "eks-nodegroup.amazonaws.com",
    "AWSServiceRoleForAutoScaling": "autoscaling.amazonaws.com",
}
_OF_SPOT = {"AWSServiceRoleForEC2Spot": "spot.amazonaws.com"}
_OF_GATEWAY = {
    "AWSServiceRoleForElasticLoadBalancing": "elasticloadbalancing.amazonaws.com",
    "AWSServiceRoleForRDS": "rds.amazonaws.com",
}


def service_roles(patient: Patient) -> Iterator[Finding]:
    """Service-linked roles. AWS makes most at their first use, if the caller may; that of spot nobody makes for EKS."""
    settings = patient.settings
    spot = _OF_SPOT if any(pool.spot for pool in settings.node_pools) else {}
    for name, service in {**_ROLES, **spot, **(_OF_GATEWAY if settings.gateway else {})}.items():
        try:
            patient.ask("iam", "get_role", RoleName=name)
        except AwsRefused as error:
            if error.code != "NoSuchEntity":
                raise
            mend = f"aws iam create-service-linked-role --aws-service-name {service}"
            if name in _OF_SPOT:
                yield Finding("service roles", "error", f"{name} is missing: no spot node starts", mend)
            else:
                what = (
                    f"{name} is missing; AWS makes it at its first use, if the caller may iam:CreateServiceLinkedRole"
                )
                yield Finding("service roles", "warning", what, mend)
        else:
            yield Finding("service roles", "ok", f"{name} is there")


def cost_tag(patient: Patient) -> Iterator[Finding]:
    """Costs are counted by the environment's tag; else the budget stays at zero and its alarm silent."""
    found = patient.ask("ce", "list_cost_allocation_tags", TagKeys=[ENVIRONMENT_TAG])["CostAllocationTags"]
    if any(tag["Status"] == "Active" for tag in found):
        yield Finding("cost tag", "ok", f"costs are counted by {ENVIRONMENT_TAG}")
        return
    state = "is not active" if found else "is not listed, a day after something first has it at the latest"
    what = f"{ENVIRONMENT_TAG} {state}: the budget counts nothing and its alarm is silent"
    tag = f"TagKey={ENVIRONMENT_TAG},Status=Active"
    mend = f"aws ce update-cost-allocation-tags-status --cost-allocation-tags-status {tag}"
    yield Finding("cost tag", "warning", what, mend)


def state(patient: Patient) -> Iterator[Finding]:
    """Pulumi's state is in a bucket that keeps versions, encrypted and private, and its secrets have a key of KMS."""
    url = urlsplit(patient.backend)
    if not patient.backend:
        yield Finding(
            "state", "error", "Pulumi does not know where its state is", "pulumi login s3://BUCKET?region=..."
        )
    elif url.scheme == "s3":
        yield from _bucket(patient, url.netloc)
    elif url.scheme == "file":
        mend = "docs/how-to/aws.md, Bootstrap: a bucket"
        yield Finding("state", "warning", f"{patient.backend} is on one machine: a lost disk is a lost state", mend)
    else:
        yield Finding("state", "unknown", f"{url.scheme}:// is looked after by others; it was not looked into")
    provider = patient.secrets.get("secretsprovider", "")
    if not provider.startswith("awskms://"):
        mend = "write `secretsprovider: awskms://alias/slipway-state?region=...` into the settings file"
        yield Finding("state", "warning", "its secrets are encrypted by a passphrase, not by a key of KMS", mend)
        return
    yield from _key(patient, provider)


def _bucket(patient: Patient, bucket: str) -> Iterator[Finding]:
    try:
        patient.ask("s3", "head_bucket", Bucket=bucket)
    except AwsRefused:
        mend = "docs/how-to/aws.md, Bootstrap, or `pulumi login` to the right one"
        yield Finding("state", "error", f"there is no bucket {bucket}", mend)
        return
    put = f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
    if patient.ask("s3", "get_bucket_versioning", Bucket=bucket).get("Status") == "Enabled":
        yield Finding("state", "ok", f"bucket {bucket} keeps versions")
    else:
        yield Finding("state", "error", f"bucket {bucket} keeps no versions: a damaged state cannot be had back", put)
    yield _has(patient, bucket, "get_bucket_encryption", "encryption of its own")
    yield _has(patient, bucket, "get_public_access_block", "a block of public access")


def _has(patient: Patient, bucket: str, operation: str, what: str) -> Finding:
    try:
        patient.ask("s3", operation, Bucket=bucket)
    except AwsRefused:
        return Finding("state", "warning", f"bucket {bucket} has not {what}", "docs/how-to/aws.md, Bootstrap")
    return Finding("state", "ok", f"bucket {bucket} has {what}")


def _key(patient: Patient, provider: str) -> Iterator[Finding]:
    url = urlsplit(provider)
    name = f"{url.netloc}{url.path}"
    region = parse_qs(url.query).get("region", [patient.settings.region])[0]
    if region != patient.settings.region:
        yield Finding("state", "unknown", f"key {name} is in {region}, which was not asked")
        return
    try:
        found = patient.ask("kms", "describe_key", KeyId=name)["KeyMetadata"]
    except AwsRefused as error:
        yield Finding("state", "error", f"key {name}: {error.code}", "docs/how-to/aws.md, Bootstrap: the key")
        return
    if found["KeyState"] == "Enabled":
        yield Finding("state", "ok", f"key {name} is enabled")
    else:
        mend = patient.cli(f"kms enable-key --key-id {found['KeyId']}")
        yield Finding("state", "error", f"key {name} is {found['KeyState']}", mend)
