"""Say why a cluster cannot be reached or refuses, and what to do next."""

from urllib.parse import urlsplit

from slipway.errors.base import SlipwayError


class ContextUnknown(SlipwayError):
    """The kubeconfig has no such context, or there is no kubeconfig."""

    def __init__(self, context: str, reason: str) -> None:
        super().__init__(
            f"kubeconfig: context {context!r} cannot be used: {reason}; "
            "next: set KUBECONFIG to the file that has it, or correct `context` in the environment's settings"
        )


class NoCredentials(SlipwayError):
    """The program that a kubeconfig names for a user's credentials gave none."""

    def __init__(self, context: str, reason: str) -> None:
        super().__init__(
            f"kubeconfig: context {context!r}: its credential program gave none: {reason}; next: "
            "install it, or log in again (`aws sso login`, `gcloud auth login`, `az login`), then run the "
            "command again"
        )


class ClusterUnreachable(SlipwayError):
    """The API server gave no answer. `proxy`: the one that was asked for it, without its password."""

    def __init__(self, context: str, host: str, waited_s: float, reason: object, proxy: str | None = None) -> None:
        way, todo = "", "check that the cluster runs and that this machine can reach it"
        if proxy:
            way = f" through the proxy {proxy}"
            todo = f"if it is reached without a proxy, add {urlsplit(host).hostname} to NO_PROXY; else {todo}"
        super().__init__(
            f"the API server {host} of context {context!r} did not answer{way} (waited {waited_s:.1f} s): {reason}; "
            f"next: {todo}, then run the command again"
        )


class NoSocks(SlipwayError):
    """The environment names a SOCKS proxy, and what speaks SOCKS is not installed."""

    def __init__(self, context: str, host: str) -> None:
        super().__init__(
            f"the API server {host} of context {context!r} cannot be reached through the SOCKS proxy of ALL_PROXY or "
            f"HTTPS_PROXY: PySocks is not installed; next: if it is reached without a proxy, add "
            f"{urlsplit(host).hostname} to NO_PROXY; else install PySocks beside Slipway"
        )


_REFUSED = {
    401: "log in again: the kubeconfig's credentials are wrong or have expired, or the cluster does not know them",
    403: "ask for a role that allows it (`kubectl auth can-i --list` shows what is allowed), or use another context",
    409: "run the command again: something else changed it at the same time",
    429: "run the command again in a minute: the API server is overloaded",
}


class ApiRefused(SlipwayError):
    """The API server (or a Service behind its proxy) answered with an error. `status` is the HTTP status."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        other = "correct what the message names" if status < 500 else "check the API server's log, then run it again"
        todo = _REFUSED.get(status, other)
        super().__init__(f"{method} {path}: the API server answered {status}: {message}; next: {todo}")
        self.status = status
        self.message = message
