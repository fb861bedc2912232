"""A recorded terminal as a picture: frames of a screen become one SVG that moves without a script.

Each line is drawn once and used by every frame that shows it. Where motion is not wanted, or a viewer has none, the
picture is the last frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import pyte
from pyte.screens import Char

BACKGROUND, TEXT = "#1b1d23", "#d8dee9"
COLORS = {
    "black": "#3b4252",
    "red": "#e57474",
    "green": "#8ccf7e",
    "brown": "#e5c76b",
    "blue": "#67b0e8",
    "magenta": "#c47fd5",
    "cyan": "#6cbfbf",
    "white": "#d8dee9",
}
WIDTH, HEIGHT, SIZE = 8.4, 18, 14  # of a character, in units of the picture
MARGIN, BAR = 12, 30
LAST = 4.0  # seconds that the last frame stays

Run = tuple[str, str]
"""A style as attributes, and the text that has it."""


@dataclass(frozen=True)
class Frame:
    """The lines of a screen, from a moment on.

    Attributes:
        at: Seconds since the beginning.
        lines: The runs of each line.
    """

    at: float
    lines: tuple[tuple[Run, ...], ...]


class FilmScreen(pyte.Screen):
    """A screen that shows faint text in grey; pyte does not know it."""

    def select_graphic_rendition(self, *attributes: int, **more: bool) -> None:
        """Set the style of the text that follows."""
        super().select_graphic_rendition(*attributes, **more)
        if 2 in attributes and self.cursor.attrs.fg == "default":
            self.cursor.attrs = self.cursor.attrs._replace(fg="brightblack")


def frame(screen: pyte.Screen, at: float) -> Frame:
    """The frame that a screen shows."""
    return Frame(at, tuple(tuple(_runs(screen, row)) for row in range(screen.lines)))


def _runs(screen: pyte.Screen, row: int) -> Iterator[Run]:
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    if row == screen.cursor.y and not screen.cursor.hidden:
        cells[screen.cursor.x] = cells[screen.cursor.x]._replace(reverse=True)
    for style, run in groupby(cells, _style):
        yield style, "".join(cell.data for cell in run)


def _style(cell: Char) -> str:
    front, back = _color(cell.fg, TEXT), _color(cell.bg, BACKGROUND)
    if cell.reverse:
        front, back = back, front
    parts = [f'fill="{front}"']
    parts += ['font-weight="bold"'] if cell.bold else []
    parts += ['font-style="italic"'] if cell.italics else []
    parts += ['text-decoration="underline"'] if cell.underscore else []
    return " ".join(parts) + (f"|{back}" if back != BACKGROUND else "")


def _color(name: str, default: str) -> str:
    if name == "default":
        return default
    if name.startswith("bright"):
        return "#7b8494" if name == "brightblack" else COLORS[name.removeprefix("bright")]
    return COLORS.get(name, f"#{name}")


def svg(frames: Sequence[Frame], title: str) -> str:
    """The picture of some frames; of one frame it stands still."""
    rows = max(_height(each) for each in frames)
    columns = max(sum(len(text) for _, text in line) for each in frames for line in each.lines)
    width, height = columns * WIDTH + 2 * MARGIN, rows * HEIGHT + BAR + MARGIN
    numbers: dict[tuple[Run, ...], int] = {}
    strip: list[str] = []
    for place, each in enumerate(frames):
        for row, line in enumerate(each.lines):
            if "".join(text for _, text in line).strip() or any("|" in style for style, _ in line):
                number = numbers.setdefault(line, len(numbers))
                strip.append(f'<use href="#l{number}" y="{place * height + row * HEIGHT:.0f}"/>')
    lines = "".join(f'<g id="l{number}">{"".join(_line(line))}</g>' for line, number in numbers.items())
    last = f"translate(0 {-(len(frames) - 1) * height:.0f})"
    dots = "".join(
        f'<circle cx="{18 + 18 * place}" cy="15" r="5.5" fill="{color}"/>'
        for place, color in enumerate(("#e57474", "#e5c76b", "#8ccf7e"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
        f"<title>{escape(title)}</title><style>svg{{font:{SIZE}px ui-monospace,Menlo,Consolas,"
        f"'DejaVu Sans Mono',monospace}}text{{white-space:pre}}{_motion(frames, height)}</style><defs>{lines}"
        f'<clipPath id="c"><rect y="{BAR}" width="{width:.0f}" height="{height - BAR:.0f}"/></clipPath></defs>'
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="{BACKGROUND}"/>{dots}'
        f'<text x="{width / 2:.0f}" y="20" text-anchor="middle" fill="#9aa3b2">{escape(title)}</text>'
        f'<g clip-path="url(#c)"><g transform="translate({MARGIN} {BAR})"><g class="film" transform="{last}">'
        f"{''.join(strip)}</g></g></g></svg>\n"
    )


def _height(shown: Frame) -> int:
    return max(row + 1 for row, line in enumerate(shown.lines) if "".join(text for _, text in line).strip() or not row)


def _line(line: tuple[Run, ...]) -> Iterator[str]:
    column = 0
    for style, text in line:
        attributes, _, back = style.partition("|")
        x, length = column * WIDTH, len(text) * WIDTH
        if back:
            yield f'<rect x="{x:.1f}" width="{length:.1f}" height="{HEIGHT}" fill="{back}"/>'
        if text.strip():
            fit = f'textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"'
            yield f'<text x="{x:.1f}" y="{SIZE}" {fit} {attributes}>{escape(text)}</text>'
        column += len(text)


def _motion(frames: Sequence[Frame], height: float) -> str:
    if len(frames) == 1:
        return ""
    whole = frames[-1].at + LAST
    steps = "".join(
        f"{100 * each.at / whole:.2f}%{{transform:translateY({-place * height:.0f}px)}}"
        for place, each in enumerate(frames)
    )
    end = f"100%{{transform:translateY({-(len(frames) - 1) * height:.0f}px)}}"
    return (
        f"@keyframes film{{{steps}{end}}}.film{{animation:film {whole:.1f}s step-end infinite}}"
        "@media(prefers-reduced-motion:reduce){.film{animation:none}}"
    )
