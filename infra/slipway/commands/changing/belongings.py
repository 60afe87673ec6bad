"""Say what becomes of what belongs to models that go, or that only seem to: a renamed model is another one."""

from slipway.commands.context import EnvironmentContext


def of_destroyed(context: EnvironmentContext) -> tuple[str, ...]:
    """What becomes of routes, keys, ledger and images of models whose stacks are destroyed, a line each."""
    gateway = (
        "their routes go with them, and what the ledger has of them stays",
        "keys keep these names in their scopes and would open a new model of the same name; "
        f"`slipway keys list {context.name}` shows whose",
    )
    return (*(gateway if context.has_gateway else ()), _images(context))


def of_environment(context: EnvironmentContext) -> tuple[str, ...]:
    """What becomes of images when everything of an environment is destroyed."""
    return (_images(context),)


def of_renamed(context: EnvironmentContext) -> tuple[str, ...]:
    """What whoever renamed a model should know: Slipway sees one without a spec, and one that is new."""
    if not context.has_gateway:
        return ()
    return (
        "a renamed model is a new one: keys that have its old name in their scopes do not open it; "
        "the old one goes on answering at its route until it is destroyed",
    )


def _images(context: EnvironmentContext) -> str:
    if context.running.keeps_images:
        return "their images stay in the registry"
    return "their images go with their repositories, and can be built again"
