"""The picture of a recorded terminal: it is XML, shows each line once, moves, and rests where motion is not wanted."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pyte

from docs.film import FilmScreen, Frame, frame, svg
from docs.pictures import LONGEST, edited

SVG = "{http://www.w3.org/2000/svg}"


def _typed(*pieces: str) -> list[Frame]:
    screen = FilmScreen(20, 4)
    stream = pyte.Stream(screen)
    frames: list[Frame] = []
    for second, piece in enumerate(pieces):
        stream.feed(piece)
        frames.append(frame(screen, float(second)))
    return frames


def test_a_film_has_each_line_once_and_all_frames() -> None:
    frames = _typed("$ a <&> b\r\n", "\x1b[1mbold\x1b[0m \x1b[2mfaint\x1b[0m\r\n", "end")
    picture = svg(frames, "a <title>")
    tree = ET.fromstring(picture)
    lines = ["".join(each.itertext()) for each in tree.findall(f"{SVG}defs/{SVG}g")]
    assert [line.strip() for line in lines].count("$ a <&> b") == 1
    assert len(tree.findall(f".//{SVG}use")) == 2 + 3 + 3  # each row with a text or with the cursor
    assert picture.count("translateY(") == len(frames) + 1
    assert "prefers-reduced-motion:reduce" in picture
    assert 'font-weight="bold">bold' in picture
    assert 'fill="#7b8494">faint' in picture
    film = next(each for each in tree.iter(f"{SVG}g") if each.get("class") == "film")
    assert film.get("transform", "").startswith("translate(0 -"), "without motion it is the last frame"


def test_one_frame_stands_still() -> None:
    assert "@keyframes" not in svg(_typed("hello"), "still")


def test_waits_are_cut_and_flickers_left_out() -> None:
    frames = _typed("a", "b", "c", "d")
    slow = [Frame(at, each.lines) for at, each in zip((3.0, 60.0, 60.01, 61.0), frames, strict=True)]
    kept = edited(slow)
    assert [each.lines for each in kept] == [slow[0].lines, slow[2].lines, slow[3].lines]
    assert kept[0].at == 0
    assert all(after.at - each.at <= LONGEST + 0.1 for each, after in pairwise(kept))
