"""Define failures of a cluster, a registry, AWS or the engine, each with what to do next.

Errors of a person's input are in base.py; here is everything that can be right on paper and still fail.
"""

from pathlib import Path

from slipway.errors.base import DeployError, SlipwayError


class NoSpace(DeployError):
    """A file system has no room for what has to be written. `place`: a path, or whose disk it is."""

    TODO = "next: free space there (`df -h` shows what is full), then run the command again"

    def __init__(self, what: str, place: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}: {place}; {self.TODO}")


class PulumiMissing(SlipwayError):
    """The Pulumi CLI is not on PATH."""

    def __init__(self) -> None:
        super().__init__(
            "the Pulumi CLI is not on PATH; next: `slipway local shell` opens a shell that has it, "
            "or install it from https://www.pulumi.com/docs/install/"
        )


class StackFailed(DeployError):
    """The engine ended with an error. `reasons` are its diagnostics, the most telling first."""

    def __init__(self, stack: str, operation: str, reasons: tuple[str, ...]) -> None:
        text = "\n  ".join(reasons) if reasons else "the engine gave no reason; run it with --debug"
        super().__init__(f"stack {stack}: {operation} failed:\n  {text}")
        self.reasons = reasons


class SecretsLocked(SlipwayError):
    """The state of a stack is encrypted, and its key is not to be had. Nothing was changed."""

    SIGN = "secrets manager"
    """What the engine's message has in each of these cases."""

    def __init__(self, stack: str, operation: str, reason: str) -> None:
        todo = "check that your credentials may use the key that `secretsprovider` of the environment's settings names"
        if "passphrase" in reason:
            todo = (
                "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one of `encryptionsalt` in the "
            )
            todo += "environment's settings (`slipway local shell` sets that of the local environment)"
        super().__init__(f"stack {stack}: {operation}: its state cannot be decrypted: {reason}; next: {todo}")


class StackLocked(DeployError):
    """Another run holds the stack's lock for longer than we wait."""

    def __init__(self, stack: str, holder: str, limit_s: float) -> None:
        super().__init__(
            f"stack {stack} is locked by {holder} and was not released within {limit_s:g} s; "
            f"next: wait for that run, or, if it is certainly gone, `pulumi cancel -s {stack}`"
        )


class ModelLocked(DeployError):
    """Another run is deploying the model."""

    def __init__(self, model: str, holder: str, limit_s: float) -> None:
        super().__init__(
            f"model {model} is being deployed by {holder}, which did not finish within {limit_s:g} s; "
            "next: wait for that run, or end it: its lock expires 20 s later"
        )


class LockLost(DeployError):
    """The model's lock was taken by another run, because this one could not renew it."""

    def __init__(self, model: str, holder: str) -> None:
        super().__init__(f"model {model}: its lock was taken over by {holder}; this run stops touching it")


class WrongAnswer(DeployError):
    """The golden request got a wrong or late answer, or none, through the Service."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"model {model}: the golden request failed: {reason}")
        self.reason = reason


class RecordRefused(DeployError):
    """The record of a model's last right release holds what may not be applied, or nothing that can be read."""

    def __init__(self, namespace: str, name: str, model: str, reason: str) -> None:
        super().__init__(
            f"model {model}: its record, ConfigMap {namespace}/{name}, cannot be restored: {reason}; "
            "nothing of it was applied; next: find out who changed it, delete it "
            f"(kubectl -n {namespace} delete configmap {name}), and run the command again, which writes it anew"
        )


class RolloutFailed(DeployError):
    """A release did not come up."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"model {model}: the rollout failed: {reason}")
        self.reason = reason


class JudgeSilent(DeployError):
    """The judge of a rollout decides nothing any more. `trouble`: what its pod suffers from, empty if nothing."""

    def __init__(self, model: str, reason: str, trouble: str) -> None:
        super().__init__(f"model {model}: its judge decides nothing: {reason}{f': {trouble}' if trouble else ''}")
        self.reason = f"the judge decides nothing: {reason}{f': {trouble}' if trouble else ''}"


class RolloutGone(DeployError):
    """Another run, or a person, ended a rollout that this one follows. `name`: of its ConfigMap."""

    def __init__(self, environment: str, model: str, name: str) -> None:
        super().__init__(
            f"model {model}: its rollout is judged no more: ConfigMap {name} is gone, or of another rollout; this run "
            f"changes nothing more; next: slipway status {environment} {model} shows what serves"
        )


class ModelNotServing(SlipwayError):
    """A command needs a running model and it is not there."""

    def __init__(self, environment: str, model: str) -> None:
        super().__init__(
            f"model {model} does not serve in {environment}; next: slipway up {environment} {model}, "
            f"or slipway status {environment}"
        )


class NoLog(SlipwayError):
    """There is no line of a log to show."""

    def __init__(self, model: str, reason: str, todo: str) -> None:
        super().__init__(f"model {model}: there is no log: {reason}; next: {todo}")


class InstallationIncomplete(SlipwayError):
    """A file that is part of Slipway is not where it was installed."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing, which is part of slipway-ml; next: install slipway-ml again "
            "(uv sync --reinstall-package slipway-ml), or in a clone of Slipway: git checkout"
        )


class AwsMissing(SlipwayError):
    """The environment is on AWS, and what talks to AWS is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "this environment is of kind aws, which needs more packages; next: write slipway-ml[aws] for slipway-ml in "
            "pyproject.toml and run uv sync, or in a clone of Slipway: make .venv/.aws"
        )


class AwsCliMissing(SlipwayError):
    """The AWS CLI, which gives the tokens of an EKS cluster, is not on PATH."""

    def __init__(self) -> None:
        super().__init__(
            "the AWS CLI is not on PATH, and the cluster's tokens come from `aws eks get-token`; next: install it, "
            "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
        )


class AwsRefused(SlipwayError):
    """AWS did not answer, or refused; `code` is AWS's word for why, empty when it did not answer."""

    def __init__(self, service: str, operation: str, reason: str, code: str = "") -> None:
        self.code = code
        super().__init__(
            f"AWS {service} {operation}: {reason}; next: check that the credentials are those of the environment's "
            "account (`aws sts get-caller-identity`) and may do this, then run the command again"
        )
        self.service = service
        self.operation = operation
        self.reason = reason
        self.code = code


class NotUpYet(SlipwayError):
    """Something of an environment is asked for that its first `up` makes. `lack`: what there is not, as a clause."""

    def __init__(self, environment: str, lack: str) -> None:
        super().__init__(f"environment {environment}: {lack}; next: slipway up {environment} makes it")


class EnvironmentMissing(SlipwayError):
    """An environment on AWS has no cluster yet."""

    def __init__(self, environment: str) -> None:
        super().__init__(f"environment {environment} has no cluster yet; next: slipway up {environment}")


class NodesNotDrained(DeployError):
    """Pods did not leave nodes that are to go."""

    def __init__(self, nodes: list[str], pods: list[str], limit_s: float) -> None:
        lines = "\n  ".join(pods)
        super().__init__(
            f"{len(nodes)} nodes were not empty after {limit_s:g} s; these pods are still there:\n  {lines}\n"
            "they go on serving, and the nodes take no new pods; next: find out what keeps them (a PodDisruptionBudget "
            "and replicas that are not ready, or no capacity on the new nodes), then run the command again"
        )


class Interrupted(SlipwayError):
    """The user pressed Ctrl-C."""

    def __init__(self) -> None:
        super().__init__("interrupted; what was finished is kept: run the same command again to continue")


class LeftBehind(DeployError):
    """After `down`, objects are still there.

    `todo`: what to do about them. `before`: `down` stopped at them, and the rest is there, too.
    """

    def __init__(
        self,
        environment: str,
        objects: list[str],
        todo: str = "remove what keeps each of them, and run the command again",
        *,
        before: bool = False,
    ) -> None:
        lines = "\n  ".join(objects)
        now = "is not down yet: these are not gone" if before else "is down, but these are left"
        super().__init__(f"environment {environment} {now}:\n  {lines}\nnext: {todo}")


class PromotionUnproven(DeployError):
    """After a promotion an environment runs another image than the one that was promoted."""

    def __init__(self, environment: str, model: str, wanted: str, runs: str | None) -> None:
        super().__init__(
            f"model {model}: {environment} runs {runs or 'nothing that has a record'} after {wanted} was promoted: "
            f"another run deployed at the same time; next: `slipway status {environment}`, then promote again"
        )
