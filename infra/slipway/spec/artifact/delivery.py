"""Contains what a spec says about the way of the weights to the pods that serve them."""

from typing import Literal

Way = Literal["image", "store"]
"""`image`: as a layer of the model's image; `store`: each pod fetches them from the environment's model store."""
