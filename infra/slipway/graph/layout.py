"""Place boxes in columns from left to right, so that arrows lead to the right where they can.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): arrows
that close a circle are turned, a box stands one column after the last that leads to it, a long arrow passes through
each column between, and boxes of a column are ordered by the mean place of their neighbours.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.graph.drawing import Box, Picture

CHARACTER = 7.4
_BOLD = 8.6
"""Width of a character of 13 pixels; a sans-serif's mean, a little more than that of DejaVu Sans' lower case."""
LINE = 18.0
PADDING = 12.0
_ROW_GAP = 26.0
_COLUMN_GAP = 60.0
_SWEEPS = 8

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a box is: its left upper corner and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: boxes by id, the way of each arrow in the order of the picture's, and the size of it all."""

    boxes: Mapping[str, Placed]
    ways: Sequence[Sequence[Point]]
    width: float
    height: float


def layout(picture: Picture) -> Layout:
    """Place a picture; the same picture is placed the same way."""
    links = [(one.start, one.end) for one in picture.arrows if one.start != one.end]
    turned = _circles(list(picture.boxes), links)
    forward = [(end, start) if (start, end) in turned else (start, end) for start, end in links]
    ranks = _ranks(list(picture.boxes), forward)
    chains = {link: _chain(link, ranks) for link in dict.fromkeys(forward)}
    columns = _ordered(ranks, chains)
    sizes = {id_: _size(box) for id_, box in picture.boxes.items()}
    placed, width, height = _placed(columns, sizes, _gaps(picture, ranks, turned))
    ways: list[Sequence[Point]] = []
    for one in picture.arrows:
        link = (one.start, one.end)
        back = link in turned
        chain = chains[link[::-1] if back else link]
        way = _way([placed[id_] for id_ in chain])
        ways.append(way[::-1] if back else way)
    return Layout({id_: placed[id_] for id_ in picture.boxes}, ways, width, height)


def _circles(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """The links that lead back to where a search in depth came from."""
    after: dict[str, list[str]] = {id_: [] for id_ in ids}
    for start, end in links:
        after[start].append(end)
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for first in ids:
        path: list[tuple[str, int]] = [] if first in done else [(first, 0)]
        open_ = {first}
        while path:
            at, index = path.pop()
            if index == len(after[at]):
                open_.discard(at)
                done.add(at)
                continue
            path.append((at, index + 1))
            following = after[at][index]
            if following in open_:
                found.add((at, following))
            elif following not in done:
                open_.add(following)
                path.append((following, 0))
    return found


def _ranks(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The column of each box: one after the last box that leads to it."""
    ranks = dict.fromkeys(ids, 0)
    for _ in ids:
        for start, end in links:
            ranks[end] = max(ranks[end], ranks[start] + 1)
    return ranks


def _chain(link: tuple[str, str], ranks: Mapping[str, int]) -> list[str]:
    """A link with a place in each column that it passes."""
    start, end = link
    between = [f"{start}\0{end}\0{rank}" for rank in range(ranks[start] + 1, ranks[end])]
    return [start, *between, end]


def _ordered(ranks: Mapping[str, int], chains: Mapping[tuple[str, str], Sequence[str]]) -> list[list[str]]:
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=0) + 1)]
    for id_, rank in ranks.items():
        columns[rank].append(id_)
    near: dict[str, list[str]] = {id_: [] for id_ in ranks}
    for (start, _), chain in chains.items():
        for offset, id_ in enumerate(chain[1:-1], 1):
            columns[ranks[start] + offset].append(id_)
        for left, right in itertools.pairwise(chain):
            near.setdefault(left, []).append(right)
            near.setdefault(right, []).append(left)
    for sweep in range(_SWEEPS):
        order = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for index in order:
            beside = columns[index - 1 if sweep % 2 == 0 else index + 1] if 0 < index < len(columns) - 1 else None
            known = [beside] if beside is not None else columns[max(0, index - 1) : index + 2]
            places = {id_: at / max(1, len(one)) for one in known for at, id_ in enumerate(one)}
            own = {id_: at / max(1, len(columns[index])) for at, id_ in enumerate(columns[index])}
            columns[index].sort(key=lambda id_: _mean([places[to] for to in near[id_] if to in places], own[id_]))
    return columns


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _size(box: Box) -> tuple[float, float]:
    longest = max(len(box.heading) * _BOLD, *(len(line) * CHARACTER for line in box.lines), 0)
    return longest + 2 * PADDING, (1 + len(box.lines)) * LINE + 2 * PADDING


def _gaps(picture: Picture, ranks: Mapping[str, int], turned: set[tuple[str, str]]) -> dict[int, float]:
    """How wide the room before each column has to be for the texts of the arrows that end there."""
    gaps: dict[int, float] = {}
    for one in picture.arrows:
        at = ranks[one.start if (one.start, one.end) in turned else one.end]
        gaps[at] = max(gaps.get(at, 0.0), _COLUMN_GAP + len(one.text) * CHARACTER)
    return gaps


def _placed(
    columns: Sequence[Sequence[str]], sizes: Mapping[str, tuple[float, float]], gaps: Mapping[int, float]
) -> tuple[dict[str, Placed], float, float]:
    heights = [sum(sizes.get(id_, (0, LINE))[1] for id_ in column) + _ROW_GAP * (len(column) - 1) for column in columns]
    tallest = max(heights, default=0.0)
    placed: dict[str, Placed] = {}
    x = 0.0
    for index, column in enumerate(columns):
        x += gaps.get(index, _COLUMN_GAP) if index else 0.0
        width = max((sizes[id_][0] for id_ in column if id_ in sizes), default=0.0)
        y = (tallest - heights[index]) / 2
        for id_ in column:
            own, height = sizes.get(id_, (width, LINE))
            placed[id_] = Placed(x, y, width if id_ in sizes else own, height)
            y += height + _ROW_GAP
        x += width
    return placed, x, tallest


def _way(along: Sequence[Placed]) -> list[Point]:
    """From the right side of the first to the left side of the last, straight through the columns between."""
    first, last = along[0], along[-1]
    points = [(first.x + first.width, first.y + first.height / 2)]
    for one in along[1:-1]:
        middle = one.y + one.height / 2
        points += [(one.x, middle), (one.x + one.width, middle)]
    return [*points, (last.x, last.y + last.height / 2)]
