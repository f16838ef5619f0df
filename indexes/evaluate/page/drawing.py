"""A drawing in SVG: shapes, lines and texts whose colours follow the reader's light or dark theme.

Colours are CSS variables: one drawing serves both themes, the page and the file of its own. Texts stay texts, which can
be searched, read aloud and enlarged. ElementTree writes the markup, so whatever stands in a text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from ...view import plain

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b1f24",
    "soft": "#59626d",
    "rule": "#d9dde3",
    "fused": "#0b5cad",
    "oracle": "#6b7480",
    "good": "#00714f",
    "bad": "#b3400a",
    "doubt": "#5b626b",
    # Okabe and Ito (2008), darkened until each stands out from white by 3:1: told apart by the colour-blind too.
    "series1": "#c77700",
    "series2": "#008f68",
    "series3": "#c4568f",
    "series4": "#2c93cf",
    "series5": "#a03c00",
    "series6": "#6d6a00",
}
DARK = {
    "paper": "#14181d",
    "ink": "#eceff3",
    "soft": "#a7b0bb",
    "rule": "#39414b",
    "fused": "#6fb5ff",
    "oracle": "#9aa4b0",
    "good": "#3fd0a0",
    "bad": "#ff9a5c",
    "doubt": "#b4bcc6",
    "series1": "#f0a830",
    "series2": "#2cc596",
    "series3": "#e58cba",
    "series4": "#7cc8f5",
    "series5": "#e07b45",
    "series6": "#d8d04a",
}
SERIES = tuple(name for name in LIGHT if name.startswith("series"))

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
SIZE = 14
"""Pixels of a text."""

_SHAPES = """
.text { fill: var(--ink); font: 14px FONT; }
.soft { fill: var(--soft); }
.small { font-size: 12.5px; }
.strong { font-weight: 650; }
.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.rule { stroke: var(--rule); stroke-width: 1; fill: none; }
.axis { stroke: var(--soft); stroke-width: 1.2; fill: none; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.thick { stroke-width: 4; }
.dashed { stroke-dasharray: 6 5; }
""".replace("FONT", FONT)

Point = tuple[float, float]


def theme() -> str:
    """Colours as CSS variables: light, dark where the reader prefers that, light on paper."""
    light, dark = ("".join(f"--{name}:{colour};" for name, colour in colours.items()) for colours in (LIGHT, DARK))
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{_SHAPES}"
    )


class Drawing:
    """A canvas of fixed size in pixels, that a page may shrink or enlarge.

    Args:
        title: What it shows, for people who cannot see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {_number(width)} {_number(height)}",
                "role": "img",
                "aria-label": plain(title),
            },
        )

    def svg(self, *, alone: bool = False) -> str:
        """The markup; ``alone`` brings its colours and background along, for a file of its own."""
        root = self._root
        if alone:
            root = ElementTree.Element("svg", {**self._root.attrib, "width": _number(self.width)})
            root.set("height", _number(self.height))
            ElementTree.SubElement(root, "style").text = theme()
            ElementTree.SubElement(root, "rect", {"width": "100%", "height": "100%", "style": "fill:var(--paper)"})
            root.extend(self._root)
        return ElementTree.tostring(root, encoding="unicode")

    def line(self, points: Iterable[Point], kind: str = "rule", colour: str = "") -> None:
        """A line through points."""
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self._add("path", {"d": path, "class": kind} | _stroke(colour))

    def area(self, points: Iterable[Point], colour: str, opacity: float) -> None:
        """A filled shape without an edge."""
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points) + "Z"
        self._add("path", {"d": path, "style": f"fill:var(--{colour});fill-opacity:{_number(opacity)}"})

    def box(
        self,
        corner: Point,
        size: tuple[float, float],
        colour: str,
        opacity: float = 1,
        *,
        edge: str = "",
        dashed: bool = False,
        tip: str = "",
    ) -> None:
        """A rectangle from its upper left corner."""
        style = f"fill:var(--{colour});fill-opacity:{_number(opacity)}"
        if edge:
            style += f";stroke:var(--{edge});stroke-width:2.5" + (";stroke-dasharray:4 3" if dashed else "")
        (x, y), (width, height) = corner, size
        places = {"x": x, "y": y, "width": max(width, 0.0), "height": max(height, 0.0)}
        self._add("rect", {name: _number(value) for name, value in places.items()} | {"rx": "2", "style": style}, tip)

    def dot(self, at: Point, radius: float, colour: str, *, hollow: bool = False, tip: str = "") -> None:
        """A dot; a hollow one shows the paper."""
        style = f"fill:var(--{'paper' if hollow else colour});stroke:var(--{colour if hollow else 'paper'})"
        style += f";stroke-width:{2 if hollow else 1.2}"
        self._add("circle", {"cx": _number(at[0]), "cy": _number(at[1]), "r": _number(radius), "style": style}, tip)

    def text(self, at: Point, said: str, kind: str = "", *, anchor: str = "start", colour: str = "") -> None:
        """A text whose first line's base is at a point; ``anchor``: start, middle or end of it is there."""
        attributes = {"x": _number(at[0]), "y": _number(at[1]), "class": f"text {kind}".rstrip()}
        attributes |= {} if anchor == "start" else {"text-anchor": anchor}
        attributes |= {"style": f"fill:var(--{colour})"} if colour else {}
        self._add("text", attributes).text = plain(said)

    def _add(self, name: str, attributes: dict[str, str], tip: str = "") -> ElementTree.Element:
        made = ElementTree.SubElement(self._root, name, attributes)
        if tip:
            ElementTree.SubElement(made, "title").text = plain(tip)
        return made


def text_width(said: str, size: float = SIZE, *, strong: bool = False) -> float:
    """About how wide a text is, in pixels; a bit more than with most fonts, as a page cannot ask for the reader's."""
    narrow, wide = sum(said.count(one) for one in "iljtf.,:;'| ()"), sum(map(str.isupper, said))
    return size * (0.63 * len(said) - 0.26 * narrow + 0.1 * wide) * (1.1 if strong else 1)


def fitted(said: str, width: float, size: float = SIZE) -> str:
    """A text cut to a width."""
    if text_width(said, size) <= width + 0.5:
        return said
    while said and text_width(said + "…", size) > width:
        said = said[:-1]
    return said.rstrip() + "…"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in the same order, at least ``gap`` apart and between ``low`` and ``high``.

    Labels that want the same place form a block around their mean (pool adjacent violators); blocks that then overlap
    are joined.
    """
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    blocks: list[tuple[float, int]] = []  # centre and size
    for at in order:
        centre, size = min(max(wanted[at], low), high), 1
        while blocks:
            before, count = blocks[-1]
            if before + gap * (count - 1) / 2 + gap <= centre - gap * (size - 1) / 2 + 1e-9:
                break
            blocks.pop()
            centre, size = (before * count + centre * size) / (count + size), count + size
            half = gap * (size - 1) / 2
            centre = min(max(centre, low + half), high - half)
        blocks.append((centre, size))
    placed = [centre + gap * (at - (size - 1) / 2) for centre, size in blocks for at in range(size)]
    places = [0.0] * len(order)
    for at, place in zip(order, placed, strict=True):
        places[at] = place
    return places


def _stroke(colour: str) -> dict[str, str]:
    return {"style": f"stroke:var(--{colour})"} if colour else {}


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
