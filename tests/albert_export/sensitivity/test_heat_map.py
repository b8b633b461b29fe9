"""The heat map: an image of the right kind with a cell for each figure, or a refusal before anything runs."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from albert_export.sensitivity.heat_map import refuse_plot, write_heat_map
from albert_runtime.errors import DependencyError, UsageError
from tests.albert_export.sensitivity.scanned import sensitivity_of

ERRORS = {"ffn": [0.1234, 0.0], "ffn_output": [0.2, math.inf]}


def test_png(tmp_path: Path) -> None:
    from PIL import Image

    write_heat_map(sensitivity_of(ERRORS), tmp_path / "map.PNG", "title")
    with Image.open(tmp_path / "map.PNG") as image:
        assert image.format == "PNG"
        assert image.width > image.height / 2 > 300
        assert len(set(image.convert("RGB").resize((100, 100)).get_flattened_data())) > 50  # it is not blank
    assert [file.name for file in tmp_path.iterdir()] == ["map.PNG"]


def test_svg(tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        write_heat_map(sensitivity_of(ERRORS), file, "title & <more>")
    assert ElementTree.parse(files[0]).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    comments = "".join(line for line in files[0].read_text().splitlines(True) if line.strip().startswith("<!--"))
    for text in ("title &amp; &lt;more", "ffn_output", "everything: 50%", "12", "inf", "pass", "all"):
        assert text in comments  # text is drawn as shapes, and comments hold the text


@pytest.mark.parametrize("errors", [{"ffn": [0.0]}, {"ffn": [math.inf]}, {"ffn": [1e-9, 5.0]}])
def test_extreme_figures_are_drawn(tmp_path: Path, errors: dict[str, list[float]]) -> None:
    write_heat_map(sensitivity_of(errors), tmp_path / "map.png", "title")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_an_older_plot_is_replaced_or_kept_if_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    file = tmp_path / "map.png"
    write_heat_map(sensitivity_of(ERRORS), file, "one")
    content = file.read_bytes()

    def fails(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", fails)
        with pytest.raises(UsageError, match="No space left"):
            write_heat_map(sensitivity_of(ERRORS), file, "two")
    assert file.read_bytes() == content
    write_heat_map(sensitivity_of(ERRORS), file, "two")
    assert file.read_bytes() != content
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        ("map.pdf", ["ends in '.pdf'; a plot is .png or .svg"]),
        ("map", ["its name has no ending; a plot is .png or .svg"]),
        ("nowhere/map.gif", ["ends in '.gif'", "there is no folder"]),
        ("folder.png", ["it is a folder"]),
    ],
)
def test_invalid_file_names_are_refused_with_all_problems(tmp_path: Path, name: str, problems: list[str]) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError) as refusal:
        refuse_plot(tmp_path / name)
    for problem in problems:
        assert problem in str(refusal.value)
    assert not (tmp_path / "nowhere").exists()


def test_without_matplotlib_the_pip_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(DependencyError, match=r"pip install 'albert-export\[plot\]'"):
        refuse_plot(tmp_path / "map.png")
