"""Make all checks of an account, one after the other."""

from collections.abc import Callable, Iterator, Mapping

from slipway.doctor import belongings, identity, network, offers, pins, quotas, way_in
from slipway.doctor.finding import Finding
from slipway.doctor.patient import CannotAskError, Patient, action_of, unknown
from slipway.errors.failures import AwsRefused

Check = Callable[[Patient], Iterator[Finding]]

CHECKS: Mapping[Check, str] = {
    identity.tools: "tools",
    identity.administrators: "administrators",
    identity.registry: "registry",
    offers.zones: "zones",
    offers.offers: "offers",
    offers.reservations: "reservations",
    quotas.vcpus: "quotas",
    quotas.addresses: "addresses",
    pins.kubernetes: "kubernetes",
    pins.addons: "add-ons",
    pins.images: "images",
    belongings.service_roles: "service roles",
    belongings.cost_tag: "cost tag",
    belongings.state: "state",
    network.overlaps: "network",
    network.room: "network",
    network.endpoints: "endpoints",
    way_in.certificate: "certificate",
    way_in.hosted_zone: "hosted zone",
}
"""Each check with its name, in the order of the table. `account` comes before all of them."""


def diagnose(patient: Patient) -> Iterator[Finding]:
    """Make all checks; in a wrong account, or in one that cannot be asked who the caller is, none of the others."""
    account = list(_made(identity.account, "account", patient))
    yield from account
    if any(finding.status != "ok" for finding in account):
        return
    for check, name in CHECKS.items():
        yield from _made(check, name, patient)


def _made(check: Check, name: str, patient: Patient) -> Iterator[Finding]:
    """What a check finds, and what it cannot ask. What it found before it was refused stays."""
    try:
        yield from check(patient)
    except CannotAskError as error:
        yield unknown(name, error)
    except AwsRefused as error:
        yield Finding(name, "unknown", f"{action_of(error.service, error.operation)}: {error.code}: {error.reason}")
