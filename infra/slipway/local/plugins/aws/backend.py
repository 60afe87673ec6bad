"""Call AWS's API: on moto, or kept by the stand-in; checked by botocore, judged as IAM does, journalled, failing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.validate import ParamValidator

from slipway.local.plugins.aws.faults import Faults, injected
from slipway.local.plugins.aws.iam.guard import judge
from slipway.local.plugins.aws.iam.requests import Call
from slipway.local.plugins.aws.iam.resources import Place
from slipway.local.plugins.aws.iam.roles import Roles, environment_of
from slipway.local.plugins.aws.journal import Journal
from slipway.local.plugins.aws.kept import Kept

JOURNAL = "journal.jsonl"
CONTROL = "control.json"
KEPT = "kept.json"

_CONFIG = Config(
    retries={"total_max_attempts": 1}, parameter_validation=True, s3={"addressing_style": "path"},
    connect_timeout=5, read_timeout=60, max_pool_connections=32,
)  # fmt: skip
_LOCK = threading.Lock()
"""Sessions of boto3 make one client at a time."""


@cache
def _session() -> boto3.Session:
    """One for all, since each reads Amazon's service models anew."""
    return boto3.Session(aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal", region_name="us-east-1")


class Backend:
    """Everything that the calls of all engines share.

    `state`: a folder of this stand-in. `endpoint`: moto's server. `roles`: who calls; without them nobody is refused.
    """

    def __init__(self, state: Path, endpoint: str, roles: Roles | None = None) -> None:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.state = state
        self.endpoint = endpoint
        self.roles = roles
        self.journal = Journal(state / JOURNAL)
        self.faults = Faults(state / CONTROL)
        self.kept = Kept(state / KEPT)
        self._clients: dict[tuple[str, str], Any] = {}
        self._account: str | None = None

    def client(self, service: str, region: str) -> Any:
        """A client of boto3 that can only reach moto: endpoint and credentials are given, none is looked for."""
        with _LOCK:
            if (service, region) not in self._clients:
                made = _session().client(service, region_name=region, endpoint_url=self.endpoint, config=_CONFIG)
                self._clients[service, region] = made
            return self._clients[service, region]

    def account(self, region: str) -> str:
        """The id of the account that all calls are in, asked for once."""
        if self._account is None:
            self._account = str(self.aws(region, "").call("sts", "get_caller_identity")["Account"])
        return self._account

    def aws(self, region: str, urn: str) -> "Aws":
        """The API for the work on one resource."""
        return Aws(self, region, urn)


@dataclass(frozen=True)
class Aws:
    """AWS's API in one region, for one resource."""

    backend: Backend
    region: str
    urn: str
    judged: bool = True

    @property
    def itself(self) -> "Aws":
        """For what AWS does by roles of its own, as EKS makes a cluster's security group: nobody asks the caller's."""
        return replace(self, judged=False)

    @property
    def account(self) -> str:
        """The id of the account that the caller is in."""
        return self.backend.account(self.region)

    @property
    def kept(self) -> Kept:
        """What the stand-in keeps itself."""
        return self.backend.kept

    def call(self, service: str, method: str, **params: Any) -> Any:
        """Call moto by boto3's name of the operation; its answer. Raises ClientError, ParamValidationError."""
        client = self.backend.client(service, self.region)
        operation = client.meta.method_to_api_mapping[method]
        with self._framed(service, operation, "moto"):
            self._judged(service, operation, params)
            return getattr(client, method)(**params)

    def find(self, service: str, method: str, missing: tuple[str, ...], **params: Any) -> Any | None:
        """Call moto; None when the error is one of `missing`."""
        try:
            return self.call(service, method, **params)
        except ClientError as error:
            if code(error) in missing:
                return None
            raise

    @contextmanager
    def keep(self, service: str, method: str, **params: Any) -> Iterator[Kept]:
        """A call that moto lacks: botocore validates the parameters, the block does the work on the records."""
        client = self.backend.client(service, self.region)
        operation = client.meta.method_to_api_mapping[method]
        with self._framed(service, operation, "kept"):
            validate(client, operation, params)
            self._judged(service, operation, params)
            yield self.backend.kept

    def _judged(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """Refuse what the policies of the environment's deploying role do not allow."""
        environment = environment_of(self.urn)
        if self.backend.roles is None or environment is None or not self.judged:
            return
        partition = _session().get_partition_for_region(self.region)
        place = Place(partition, self.region, self.account)
        role = self.backend.roles.of(environment, place)
        judge(role, Call(service, operation, params), place, lambda name: self.backend.client(name, self.region))

    @contextmanager
    def _framed(self, service: str, operation: str, by: str) -> Iterator[None]:
        started = time.monotonic()
        outcome = "done"
        due = self.backend.faults.due()
        try:
            if due == "before":
                raise injected(operation, due)
            yield
            self.backend.faults.hold(service, operation)
            if due == "after":
                raise injected(operation, due)
        except ClientError as error:
            outcome = f"failed: {code(error)}" if due is None else f"injected: {due}"
            raise
        except Exception as error:
            outcome = f"failed: {type(error).__name__}"
            raise
        finally:
            self.backend.journal.write(service, operation, self.urn, by, started, outcome)


def validate(client: Any, operation: str, params: dict[str, Any]) -> None:
    """Refuse parameters that Amazon's model of the operation does not allow. Raises ParamValidationError."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


def code(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def refuse(error_code: str, message: str, operation: str) -> ClientError:
    """An error as AWS gives it, for a call that the stand-in answers itself."""
    return ClientError({"Error": {"Code": error_code, "Message": message}}, operation)
