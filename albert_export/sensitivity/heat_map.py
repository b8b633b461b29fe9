"""A scan as a picture: layers down, passes across; errors above, outlier ratios below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albert_converters.extras import needing
from albert_export.sensitivity.result import Row, Sensitivity
from albert_export.sensitivity.table import percent
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import UsageError, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

#: what a file may be called
SUFFIXES = (".png", ".svg")
#: inches: a cell, what stands left and right of the cells, above the first panel, and above and below each
_CELL, _ROW, _LEFT, _RIGHT, _TOP, _ABOVE, _BELOW, _MARGIN = 0.58, 0.34, 2.5, 1.0, 0.6, 0.45, 0.65, 0.25
#: inches, so that the titles fit over few passes
_LEAST_WIDTH = 7.6
#: between the passes and the column for all of them, in cells
_GAP = 0.35
#: of a scale of colours, from least to most: noise is not to look like a difference, nor one tiny value to leave no
#: difference to the others
_LEAST_SPAN, _MOST_SPAN = 10, 100
#: from here on, as a share of the scale, text is white
_DARK = 0.6


@dataclass(frozen=True)
class _Panel:
    """One of the two figures that each row is drawn by."""

    title: str
    #: matplotlib's name
    colours: str
    value: Callable[[Row], float]
    label: Callable[[float], str]


def refuse_plot(file: Path) -> None:
    """Refuses a plot that could not be written in the end, before the scan begins.

    Raises:
        UsageError: the suffix is not one of SUFFIXES, or the file has no place; all problems at once.
        DependencyError: matplotlib is not installed.
    """
    problems = []
    if file.suffix.lower() not in SUFFIXES:
        ending = f"ends in {file.suffix!r}" if file.suffix else "has no ending"
        problems.append(f"its name {ending}; a plot is {' or '.join(SUFFIXES)}")
    if file.is_dir():
        problems.append("it is a folder; give the name of a file in it")
    if not file.parent.is_dir():
        problems.append(f"there is no folder {file.parent}; make it, or choose another")
    if problems:
        raise UsageError(listed(f"can't write the plot {file}:", problems))
    _figure(1, 1)


def write_heat_map(found: Sensitivity, file: Path, title: str) -> None:
    """Writes the heat map of a scan, as PNG or SVG by the file's suffix; it appears whole, or not at all.

    Raises:
        UsageError, DependencyError: as `refuse_plot`; or the disk refuses.
    """
    refuse_plot(file)
    error = f"Error of the outputs in %, one layer quantized (everything: {percent(found.everything.error)}%)"
    ratio = "Outlier ratio: the largest of the peaks of a layer's input channels over their median"
    panels = (
        _Panel(error, "YlOrRd", lambda row: row.error, percent),
        _Panel(ratio, "PuBu", lambda row: row.outlier_ratio, _ratio),
    )
    across, down = (found.passes + _GAP + 1) * _CELL, len(found.modules) * _ROW
    width = max(_LEFT + across + _RIGHT, _LEAST_WIDTH)
    height = _TOP + len(panels) * (_ABOVE + down + _BELOW)
    figure = _figure(width, height)

    def place(left: float, top: float, wide: float) -> Axes:
        return figure.add_axes((left / width, 1 - (top + down) / height, wide / width, down / height))

    figure.text(_MARGIN / width, 1 - _MARGIN / height, title, va="top", fontsize=13, fontweight="bold")
    for index, panel in enumerate(panels):
        top = _TOP + index * (_ABOVE + down + _BELOW) + _ABOVE
        figure.text(_MARGIN / width, 1 - (top - 0.12) / height, panel.title, va="bottom", fontsize=11)
        image = _draw(place(_LEFT, top, across), found, panel)
        _draw_scale(place(_LEFT + across + 0.15, top, 0.14), image, panel)
    with replacing(file) as part:
        figure.savefig(part, format=file.suffix.lower().lstrip("."), dpi=150, metadata=_metadata(file))


def _draw(axes: Axes, found: Sensitivity, panel: _Panel) -> AxesImage:
    """Draws a cell for each layer and pass, and one for each layer and all its passes; returns one for its colours."""
    from matplotlib.colors import LogNorm

    passes = range(1, found.passes + 1)
    rows = [[found.passes_of(layer.module).get(number) for number in passes] for layer in found.modules]
    norm = LogNorm(*_span([panel.value(row) for row in found.rows]))
    blocks = ((0.5, rows), (found.passes + 0.5 + _GAP, [[layer] for layer in found.modules]))
    for left, block in blocks:
        values = np.array([[np.nan if row is None else panel.value(row) for row in line] for line in block])
        right = left + values.shape[1]
        image = axes.imshow(
            np.ma.masked_invalid(np.clip(values, norm.vmin, norm.vmax)),
            cmap=panel.colours,
            norm=norm,
            extent=(left, right, len(block) - 0.5, -0.5),
            aspect="auto",
        )
        axes.vlines(np.arange(left, right + 1), -0.5, len(block) - 0.5, color="white", linewidth=1.2)
        for (line, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                colour = "white" if norm(min(value, norm.vmax)) > _DARK else "black"
                axes.text(left + column + 0.5, line, panel.label(value), ha="center", va="center", fontsize=8.5,
                          color=colour)  # fmt: skip
    axes.hlines(np.arange(len(rows)) + 0.5, 0.5, right, color="white", linewidth=1.2)
    axes.set_xlim(0.5, right)
    axes.set_xticks([*passes, right - 0.5], [*map(str, passes), "all"])
    axes.set_yticks(range(len(rows)), [layer.name for layer in found.modules])
    axes.set_xlabel("pass")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image


def _draw_scale(axes: Axes, image: AxesImage, panel: _Panel) -> None:
    """The colours' meaning, told at both ends and in the middle."""
    bar = axes.figure.colorbar(image, cax=axes)
    least, most = image.get_clim()
    ticks = [least, float(np.sqrt(least * most)), most]
    bar.set_ticks(ticks, labels=[panel.label(tick) for tick in ticks])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    axes.tick_params(length=0)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a logarithmic scale for the values; those beyond have the colour of an end."""
    there = [value for value in values if 0 < value < np.inf] or [1.0]
    least = max(min(there), max(there) / _MOST_SPAN)
    return least, max(*there, _LEAST_SPAN * least)


def _ratio(value: float) -> str:
    return f"{value:.1f}" if value < 99.5 else f"{value:.0f}"


def _metadata(file: Path) -> dict[str, Any]:
    """Without the date in an SVG, so that equal scans give equal files."""
    return {"Date": None} if file.suffix.lower() == ".svg" else {}


def _figure(width: float, height: float) -> Figure:
    """An empty figure, in inches; nothing is shown on a screen.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    with needing("--plot needs matplotlib", "plot"):
        from matplotlib.figure import Figure
    return Figure(figsize=(width, height))
