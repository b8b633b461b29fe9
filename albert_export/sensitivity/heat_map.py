"""The heat map of a scan, with a row for each layer and a column for each pass.

The upper panel shows the errors, the lower one the outlier ratios.
"""

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
from albert_export.utils.output_file import refuse_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

#: the supported endings of the file name
SUFFIXES = (".png", ".svg")
#: in inches: width and height of a cell, space left and right of the cells, above the first panel, above and below each
#: panel, and between text and the edge
_CELL, _ROW, _LEFT, _RIGHT, _TOP, _ABOVE, _BELOW, _MARGIN = 0.58, 0.34, 2.5, 1.0, 0.6, 0.45, 0.65, 0.25
#: in inches, so that the titles fit even if there are few passes
_MIN_WIDTH = 7.6
#: the gap between the passes and the column for all of them, in cells
_GAP = 0.35
#: the smallest and the largest ratio of the two ends of a colour scale. A small ratio would make noise look like a
#: difference, and a large one, set by a single tiny value, would give all other values the same colour
_MIN_SPAN, _MAX_SPAN = 10, 100
#: text is white on colours above this share of the scale
_DARK = 0.6


@dataclass(frozen=True)
class _Panel:
    """One of the two panels; it draws one figure of each row."""

    title: str
    #: matplotlib's name of the colour map
    colours: str
    value: Callable[[Row], float]
    label: Callable[[float], str]


def refuse_plot(file: Path) -> None:
    """Refuse a plot that can't be written, before the scan begins.

    Raises:
        UsageError: the suffix is not one of SUFFIXES, or the folder does not exist; the message names all problems.
        DependencyError: matplotlib is not installed.
    """
    refuse_output(file, "plot", SUFFIXES)
    _figure(1, 1)


def write_heat_map(found: Sensitivity, file: Path, title: str) -> None:
    """Write the heat map of a scan, as PNG or SVG by the file's suffix. The file is either complete or not there.

    Raises:
        UsageError: as for `refuse_plot`, or the file can't be written.
        DependencyError: matplotlib is not installed.
    """
    refuse_plot(file)
    error = f"Error of the outputs in %, one layer quantized (everything: {percent(found.everything.error)}%)"
    ratio = "Outlier ratio: the largest of the peaks of a layer's input channels over their median"
    panels = (
        _Panel(error, "YlOrRd", lambda row: row.error, percent),
        _Panel(ratio, "PuBu", lambda row: row.outlier_ratio, _ratio),
    )
    across, down = (found.passes + _GAP + 1) * _CELL, len(found.modules) * _ROW
    width = max(_LEFT + across + _RIGHT, _MIN_WIDTH)
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
    """Draw a cell for each layer and pass, and one for each layer and all its passes.

    Returns:
        One of the drawn images, for the colour scale.
    """
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
    """Draw the colour scale, with a label at both ends and in the middle."""
    bar = axes.figure.colorbar(image, cax=axes)
    least, most = image.get_clim()
    ticks = [least, float(np.sqrt(least * most)), most]
    bar.set_ticks(ticks, labels=[panel.label(tick) for tick in ticks])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    axes.tick_params(length=0)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a logarithmic scale for the values; values beyond have the colour of the nearer end."""
    finite = [value for value in values if 0 < value < np.inf] or [1.0]
    least = max(min(finite), max(finite) / _MAX_SPAN)
    return least, max(*finite, _MIN_SPAN * least)


def _ratio(value: float) -> str:
    return f"{value:.1f}" if value < 99.5 else f"{value:.0f}"


def _metadata(file: Path) -> dict[str, Any]:
    """Return metadata that leaves the date out of an SVG, so that equal scans give equal files."""
    return {"Date": None} if file.suffix.lower() == ".svg" else {}


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches; nothing is shown on a screen.

    Raises:
        DependencyError: matplotlib is not installed.
    """
    with needing("--plot needs matplotlib", "plot"):
        from matplotlib.figure import Figure
    return Figure(figsize=(width, height))
