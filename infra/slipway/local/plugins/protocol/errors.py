"""The errors that a plugin answers with: what the person at the engine reads."""

from slipway.local.plugins.protocol.properties import Object


class RefusedError(Exception):
    """The request is one that the plugin does not take."""


class SettingsError(RefusedError, ValueError):
    """The provider's configuration is refused; `key` is the one at fault."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class NotConfiguredError(RefusedError):
    """A connection uses the provider before it configured it."""

    def __init__(self) -> None:
        super().__init__(
            "the provider was not configured on this connection: it was restarted meanwhile; run the command again"
        )


class OperationError(Exception):
    """The operation failed, and nothing new is to be recorded."""


class InitError(Exception):
    """The resource is there but not as asked for: `identifier`, `state` and `inputs` are to be recorded."""

    def __init__(self, reason: str, identifier: str, state: Object, inputs: Object) -> None:
        super().__init__(reason)
        self.identifier = identifier
        self.state = state
        self.inputs = inputs
