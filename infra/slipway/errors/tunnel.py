"""Say why there is no tunnel to a cluster's API server, and what to do next."""

from slipway.errors.base import SlipwayError


class SessionPluginMissing(SlipwayError):
    """The AWS CLI starts sessions with a program that comes apart from it."""

    def __init__(self) -> None:
        super().__init__(
            "session-manager-plugin is not on PATH, and `aws ssm start-session` needs it; next: install it, "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "session-manager-working-with-install-plugin.html"
        )


class TunnelBehindProxy(SlipwayError):
    """The environment names a proxy, and what goes beside the tunnel would go past it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is set: a tunnel is a proxy itself, and does not go on to another; next: unset {name} here and in "
            "the shells that use the tunnel, or reach the cluster in another way (docs/how-to/aws.md, "
            '"Who reaches the cluster")'
        )


class TunnelNotOpen(SlipwayError):
    """No session leads to the cluster. `reason`: in the words of whoever refused."""

    def __init__(self, environment: str, reason: str, todo: str) -> None:
        super().__init__(f"no tunnel to environment {environment}: {reason}; next: {todo}")
