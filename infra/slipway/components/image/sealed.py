"""Have a model's image signed when it was made, and verified before anything runs it."""

from dataclasses import replace

from slipway.components.image.component import ModelImageArgs
from slipway.planner.environment import ModelPlan
from slipway.signing.seal import Seal
from slipway.values.aliases import Tell


def sealed(args: ModelImageArgs, model: ModelPlan, seal: Seal | None, progress: Tell) -> ModelImageArgs:
    """Return how to look up and how to make an image that is signed; as it was where nothing is signed.

    Only what this run makes is signed: a signature would else vouch for whatever somebody put under the tag.
    """
    if seal is None:
        return args

    def ensure(engine: Tell) -> str:
        def report(text: str) -> None:
            engine(text)
            progress(f"image: {text}")

        made = model.image.copied_from is None and args.digest() is None
        if made:
            seal.before_making(model)
        digest = args.ensure(engine)
        image = f"{args.repository}@{digest}"
        if made:
            seal.sign(model, image, report)
        seal.verify(model, image, report)
        return digest

    return replace(args, ensure=ensure)
