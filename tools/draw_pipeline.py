"""The picture of the README: `python -m tools.draw_pipeline` writes docs/images/pipeline.svg."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_OUTPUT = Path(__file__).parents[1] / "docs" / "images" / "pipeline.svg"
_FONT = "-apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"
_INK, _SOFT, _LINE = "#1f2933", "#52606d", "#7b8794"
_WIDTH, _HEIGHT, _TOP, _GAP = 1000, 250, 62, 34


class Box(NamedTuple):
    """One step: `mono` lines are names of files or commands."""

    title: str
    lines: tuple[str, ...]
    width: int
    fill: str
    border: str
    mono: bool = False


BOXES = (
    Box("checkpoint", ("config.json", "model.safetensors", "spiece.model"), 158, "#f5f7fa", "#9aa5b1", mono=True),
    Box("albert-export", ("reference model", "convert", "quantize", "verify the answers"), 172, "#e6f0ff", "#3e7bd6"),
    Box(
        "bundle",
        ("model.onnx / .tflite", "spiece.model", "tokenizer.json", "manifest.json"),
        176,
        "#f5f7fa",
        "#9aa5b1",
        mono=True,
    ),
    Box("albert-runtime", ("tokenize", "run one engine", "postprocess"), 158, "#e3f9e5", "#3f9142"),
    Box("answer", ("text", "score", "start and end"), 140, "#fff8e6", "#c99a2e"),
)
#: what stands over the boxes: (first box, last box, text)
PLACES = ((0, 2, "on your workstation: PyTorch or TensorFlow"), (3, 4, "on the device: numpy, sentencepiece"))


def draw() -> str:
    """The picture as SVG."""
    left = (_WIDTH - sum(box.width for box in BOXES) - _GAP * (len(BOXES) - 1)) / 2
    places = []
    for box in BOXES:
        places.append((left, left + box.width))
        left += box.width + _GAP
    height = _HEIGHT - _TOP - 22
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="A checkpoint becomes a verified bundle, and the bundle gives answers" font-family="{_FONT}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="10" fill="#ffffff"/>',
    ]
    for first, last, text in PLACES:
        start, end = places[first][0], places[last][1]
        parts.append(_text((start + end) / 2, 30, text, size=15, fill=_SOFT))
        parts.append(f'<path d="M{start} 42 H{end}" stroke="{_LINE}" stroke-width="1.5"/>')
    for box, (start, end) in zip(BOXES, places, strict=True):
        middle = (start + end) / 2
        parts.append(
            f'<rect x="{start}" y="{_TOP}" width="{box.width}" height="{height}" rx="9" '
            f'fill="{box.fill}" stroke="{box.border}" stroke-width="2"/>'
        )
        parts.append(_text(middle, _TOP + 30, box.title, size=18, weight="bold"))
        for row, line in enumerate(box.lines):
            parts.append(_text(middle, _TOP + 62 + 25 * row, line, size=13 if box.mono else 15, mono=box.mono))
    for (_, end), (start, _) in pairwise(places):
        y = _TOP + height / 2
        parts.append(f'<path d="M{end + 5} {y} H{start - 10}" stroke="{_INK}" stroke-width="2.5"/>')
        parts.append(f'<path d="M{start - 5} {y} l-10 -6 v12 z" fill="{_INK}"/>')
    return "\n".join([*parts, "</svg>", ""])


def _text(
    x: float, y: float, text: str, *, size: int, weight: str = "normal", fill: str = _INK, mono: bool = False
) -> str:
    family = " font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\"" if mono else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}"{family}>{escape(text)}</text>'
    )


if __name__ == "__main__":
    _OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    _OUTPUT.write_text(draw(), encoding="utf-8")
    print(_OUTPUT)
