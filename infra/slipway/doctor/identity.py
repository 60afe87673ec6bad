"""Check who the caller is: the account, the administrators, the tools of this machine, the login at the registry."""

import shutil
from collections.abc import Iterator

from slipway.aws.account import Caller
from slipway.doctor.finding import Finding
from slipway.doctor.patient import Patient
from slipway.errors.failures import AwsRefused


def account(patient: Patient) -> Iterator[Finding]:
    """The credentials are of the environment's account."""
    found = patient.ask("sts", "get_caller_identity")
    wanted = patient.settings.account
    if found["Account"] != wanted:
        what = f"{found['Arn']} is of account {found['Account']}, the settings are of {wanted}"
        yield Finding("account", "error", what, "use credentials of the environment's account, or correct `account`")
        return
    yield Finding("account", "ok", f"{found['Arn']} of account {wanted}")


def administrators(patient: Patient) -> Iterator[Finding]:
    """The caller is among the administrators, or the cluster that it makes will refuse it; and they all exist."""
    found = patient.ask("sts", "get_caller_identity")
    caller, roles = Caller(found["Account"], found["Arn"]), patient.settings.administrators
    if any(caller.is_role(role) for role in roles):
        yield Finding("administrators", "ok", "the caller is a session of one of `administrators`")
    else:
        what = f"{caller.arn} is no session of a role in `administrators`: the cluster will refuse what `up` asks of it"
        yield Finding("administrators", "error", what, "add the caller's role to `administrators`, or take one of them")
    for role in roles:
        try:
            patient.ask("iam", "get_role", RoleName=role.rpartition("/")[2])
        except AwsRefused as error:
            yield Finding("administrators", "error", f"{role}: {error.code}", "create the role, or remove it")


def tools(_: Patient) -> Iterator[Finding]:
    """This machine has what `up` calls."""
    for tool, why in (("aws", "the cluster asks it for a token"), ("pulumi", "it is the engine"), ("docker", "images")):
        if shutil.which(tool) is None:
            yield Finding("tools", "error", f"{tool} is not on PATH: {why}", f"install {tool}")
        else:
            yield Finding("tools", "ok", f"{tool} is on PATH")


def registry(patient: Patient) -> Iterator[Finding]:
    """The caller may log in to the registry. Whether Docker is logged in, only a push shows."""
    patient.ask("ecr", "get_authorization_token")
    login = f"{patient.cli('ecr get-login-password')} | docker login --username AWS --password-stdin"
    what = "the caller may log in to the registry; a login lasts 12 hours"
    yield Finding("registry", "ok", what, f"{login} {patient.settings.registry}")
