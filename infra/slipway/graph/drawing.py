"""Say what a picture shows: boxes, arrows between them, and the sentences below."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["person", "ours", "others", "data"]
"""Who a box is: a person or their program, something Slipway makes, something that is others', data that is kept."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box: what it is known by, its heading, and what stands below it, a line each."""

    id: str
    heading: str
    lines: tuple[str, ...] = ()
    kind: Kind = "ours"


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one box to another; `encrypted`: by TLS, as the plan has it."""

    start: str
    end: str
    text: str = ""
    encrypted: bool = False


@dataclass
class Picture:
    """A picture: its title, its boxes by id, arrows, and notes below it."""

    title: str
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[Arrow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def box(self, id_: str, heading: str, *lines: str, kind: Kind = "ours") -> str:
        """Add a box, unless it is there; returns its id."""
        self.boxes.setdefault(id_, Box(id_, heading, tuple(line for line in lines if line), kind))
        return id_

    def arrow(self, start: str, end: str, text: str = "", *, encrypted: bool = False) -> None:
        """Add an arrow between boxes that are there; what else leads from one to the other is said on it."""
        for index, one in enumerate(self.arrows):
            if (one.start, one.end, one.encrypted) == (start, end, encrypted):
                texts = dict.fromkeys(filter(None, (*one.text.split("; "), text)))
                self.arrows[index] = Arrow(start, end, "; ".join(texts), encrypted)
                return
        self.arrows.append(Arrow(self.boxes[start].id, self.boxes[end].id, text, encrypted))

    def sentences(self) -> Iterator[str]:
        """What the picture shows, for whoever does not see it: every arrow in words."""
        for one in self.arrows:
            how = ", encrypted by TLS" if one.encrypted else ""
            text = f" ({one.text})" if one.text else ""
            yield f"{self.boxes[one.start].heading} to {self.boxes[one.end].heading}{text}{how}."
        linked = {id_ for one in self.arrows for id_ in (one.start, one.end)}
        yield from (f"{box.heading} stands alone." for box in self.boxes.values() if box.id not in linked)
        yield from self.notes
