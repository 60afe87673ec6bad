"""Check the gateway's certificate and its hosted zone."""

from collections.abc import Iterator

from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.errors.failures import AwsRefused


def certificate(patient: Patient) -> Iterator[Finding]:
    """The certificate is issued, lasts, and is for the domain and what is below it."""
    gateway = patient.settings.gateway
    if gateway is None or gateway.certificate.acm is None:
        return
    arn, domain = gateway.certificate.acm, gateway.domain
    try:
        found = patient.ask("acm", "describe_certificate", CertificateArn=arn)["Certificate"]
    except AwsRefused as error:
        yield Finding("certificate", "error", f"{arn}: {error.code}", _request(patient, domain))
        return
    if found["Status"] != "ISSUED":
        mend = patient.cli(f"acm describe-certificate --certificate-arn {arn}") + "  # shows the records to make"
        yield Finding("certificate", "error", f"{arn} is {found['Status']}, not issued", mend)
        return
    names = {found["DomainName"], *found.get("SubjectAlternativeNames", ())}
    if lacks := [name for name in (domain, f"*.{domain}") if not _covers(names, name)]:
        what = f"{arn} is not for {' and '.join(lacks)}"
        yield Finding("certificate", "error", what, _request(patient, domain))
        return
    until = found.get("NotAfter")
    if until is not None and until.date() <= patient.today:
        yield Finding("certificate", "error", f"{arn} ended on {until.date()}", _request(patient, domain))
    else:
        yield Finding("certificate", "ok", f"{arn} is issued for {domain} and *.{domain}")


def _covers(names: set[str], name: str) -> bool:
    """A wildcard of a certificate stands for one label (RFC 6125, 6.4.3)."""
    return name in names or (not name.startswith("*.") and f"*.{name.partition('.')[2]}" in names)


def _request(patient: Patient, domain: str) -> str:
    names = f"--domain-name {domain} --subject-alternative-names '*.{domain}' --validation-method DNS"
    return patient.cli(f"acm request-certificate {names}")


def hosted_zone(patient: Patient) -> Iterator[Finding]:
    """The hosted zone is one of the domain, and public where clients come from the internet."""
    gateway = patient.settings.gateway
    if gateway is None or gateway.zone is None:
        return
    try:
        found = patient.ask("route53", "get_hosted_zone", Id=gateway.zone)["HostedZone"]
    except AwsRefused as error:
        yield Finding("hosted zone", "error", f"{gateway.zone}: {error.code}", "aws route53 list-hosted-zones")
        return
    name = found["Name"].removesuffix(".")
    private = found.get("Config", {}).get("PrivateZone", False)
    if gateway.domain != name and not gateway.domain.endswith(f".{name}"):
        what = f"{gateway.zone} is of {name}, which {gateway.domain} is not in"
        yield Finding("hosted zone", "error", what, "aws route53 list-hosted-zones")
    elif private and not gateway.internal:
        what = f"{gateway.zone} is private, and clients come from the internet"
        yield Finding("hosted zone", "error", what, "write a public zone, or `internal: true`")
    else:
        yield Finding("hosted zone", "ok", f"{gateway.zone} is {name}")
