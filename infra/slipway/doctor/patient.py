"""Hold what every check needs: an environment's settings, and its account, which is only read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from slipway.doctor.finding import Finding
from slipway.errors.failures import AwsRefused
from slipway.settings.aws import AwsSettings

_ASK = "check credentials and network: `aws sts get-caller-identity` has to answer"
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_PREFIXES = {"service-quotas": "servicequotas"}
"""Services whose actions in IAM begin otherwise than boto3 calls them."""
_ACTIONS = {
    "servicequotas:GetAwsDefaultServiceQuota": "servicequotas:GetAWSDefaultServiceQuota",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
"""Calls whose action has another name (Service Authorization Reference)."""


class Asked(Protocol):
    """An account that can be asked; `slipway.aws.account.Account` is one."""

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one call; raises `AwsRefused`."""
        ...


class CannotAskError(Exception):
    """A check cannot be made. `reason`: why, for people; `action`: that the caller lacks, or None."""

    def __init__(self, reason: str, action: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.action = action


def action_of(service: str, operation: str) -> str:
    """`service-quotas`, `get_service_quota` gives `servicequotas:GetServiceQuota`, the action of IAM."""
    action = f"{_PREFIXES.get(service, service)}:{''.join(word.capitalize() for word in operation.split('_'))}"
    return _ACTIONS.get(action, action)


@dataclass(frozen=True, slots=True)
class Patient:
    """What checks look at.

    Attributes:
        environment: its name.
        settings: its settings.
        account: that it is, or will be, in.
        backend: address of Pulumi's state; empty where `pulumi login` was not done.
        secrets: Pulumi's keys of the settings file for the encryption of its stacks.
        today: the day.
    """

    environment: str
    settings: AwsSettings
    account: Asked
    backend: str
    secrets: Mapping[str, str]
    today: date

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one call that only reads.

        Raises `CannotAskError` when it is refused or does not answer, and `AwsRefused` when AWS says that what is
        asked for is not there: what that means is the check's to say.
        """
        try:
            return self.account.call(service, operation, **parameters)
        except AwsRefused as error:
            action = action_of(service, operation)
            if error.code in _DENIED:
                raise CannotAskError(f"the caller may not {action}", action) from None
            if not error.code:
                raise CannotAskError(f"{action}: {error.reason}", None) from None
            raise

    def cli(self, command: str) -> str:
        """A command of the AWS CLI in the environment's region."""
        return f"aws {command} --region {self.settings.region}"


def unknown(check: str, error: CannotAskError) -> Finding:
    """That a check could not be made."""
    mend = _ASK if error.action is None else f"allow {error.action} (docs/how-to/aws/doctor-policy.json)"
    return Finding(check, "unknown", error.reason, mend)
