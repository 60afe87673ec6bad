"""Check that what Slipway pins is still to be had: the version of Kubernetes, its add-ons, its images of machines."""

from collections.abc import Iterator
from datetime import datetime

from slipway.catalog.aws import EKS_VERSIONS
from slipway.catalog.platform_pins import EKS
from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.environments.planning.aws.karpenter import has_gpus, node_pools
from slipway.errors.failures import AwsRefused

_OF_PLATFORM = "x86_64-standard"
_OF_PROCESSORS = {"amd64": _OF_PLATFORM, "arm64": "arm64-standard"}
_OF_GPUS = "x86_64-nvidia"
"""How AWS names the image of each kind: amazon-eks-node-al2023-x86_64-nvidia-1.35-v20260903."""


def kubernetes(patient: Patient) -> Iterator[Finding]:
    """EKS makes clusters of the version, and supports it as long as the catalogue says."""
    version = patient.settings.kubernetes_version
    try:
        found = patient.ask("eks", "describe_cluster_versions", clusterVersions=[version])["clusterVersions"]
    except AwsRefused:
        found = []
    if not found:
        yield Finding("kubernetes", "error", f"EKS has no version {version}", "write another `kubernetes_version`")
        return
    status = str(found[0].get("versionStatus", "")).upper()
    known, what = EKS_VERSIONS[version], f"Kubernetes {version} is in {status.lower().replace('_', ' ')}"
    until = found[0].get("endOfStandardSupportDate")
    if status == "UNSUPPORTED":
        yield Finding("kubernetes", "error", what, "raise `kubernetes_version`")
    elif status == "EXTENDED_SUPPORT":
        yield Finding("kubernetes", "warning", f"{what}: six times the price", "raise `kubernetes_version`")
    elif isinstance(until, datetime) and until.date() != known.standard_until:
        what += f" until {until.date()}, and the catalogue says {known.standard_until}"
        yield Finding("kubernetes", "warning", what, f"slipway catalog update {patient.environment}")
    else:
        yield Finding("kubernetes", "ok", what)


def addons(patient: Patient) -> Iterator[Finding]:
    """Each add-on's pin is a version that AWS gives for this Kubernetes."""
    version = patient.settings.kubernetes_version
    for name, pin in EKS[version].addons.items():
        found = patient.ask("eks", "describe_addon_versions", kubernetesVersion=version, addonName=name)["addons"]
        versions = [one for addon in found for one in addon["addonVersions"]]
        default = next(
            (
                one["addonVersion"]
                for one in versions
                if any(fits.get("defaultVersion") for fits in one.get("compatibilities", ()))
            ),
            None,
        )
        if pin in (one["addonVersion"] for one in versions):
            yield Finding("add-ons", "ok", f"{name} {pin} is to be had")
        else:
            instead = default or (versions[0]["addonVersion"] if versions else "a newer Slipway")
            mend = f"pin {instead} in infra/slipway/catalog/platform_pins.py, or upgrade Slipway"
            yield Finding("add-ons", "error", f"AWS has no {name} {pin} for Kubernetes {version}", mend)


def images(patient: Patient) -> Iterator[Finding]:
    """Each image of machines that nodes are started from, by its release, is there and not deprecated."""
    version = patient.settings.kubernetes_version
    release = EKS[version].ami
    day = release.partition("-")[2]
    pools = node_pools(patient.settings)
    kinds = {_OF_GPUS if has_gpus([pool]) else _OF_PROCESSORS[pool.architecture] for pool in pools}
    for kind in sorted({_OF_PLATFORM, *kinds}):
        name = f"amazon-eks-node-al2023-{kind}-{version}-v{day}"
        filters = [{"Name": "name", "Values": [name]}]
        found = patient.ask("ec2", "describe_images", Owners=["amazon"], Filters=filters)["Images"]
        mend = "pin another release in infra/slipway/catalog/platform_pins.py, or upgrade Slipway"
        if not found:
            yield Finding("images", "error", f"AWS has no image {name}, release {release}", mend)
            continue
        until = str(found[0].get("DeprecationTime", ""))[:10]
        if until and until <= patient.today.isoformat():
            yield Finding("images", "warning", f"{name} is deprecated since {until}", mend)
        else:
            yield Finding("images", "ok", f"{name} is to be had")
