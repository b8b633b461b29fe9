"""What the progress lines of an export say about the time that the whole export still takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from tests.conftest import CheckpointOf
from tools.plant_outliers import plant

CLS = "text-classification"


def words_of(lines: list[str], beginning: str) -> list[str]:
    """What the lines with this beginning say about the time, without the time itself; "" for nothing."""
    found = [re.search(r"(?:about|up to) .* left.*", line) for line in lines if line.startswith(beginning)]
    assert found, f"no line begins with {beginning!r}"
    return [re.sub(r"\d+ (s|min|h)", "N", match[0]) if match else "" for match in found]


def test_the_time_is_said_once_the_graph_and_the_original_are_timed(tmp_path: Path) -> None:
    lines = list[str]()
    export_onnx(demo_checkpoint(CLS), tmp_path / "bundle", precision="int8", max_drop=50, progress=lines.append)
    for beginning in ("reading", "trying the recipe", "converting", "quantizing", "writing the manifest"):
        assert set(words_of(lines, beginning)) == {""}
    asking = [line for line in lines if line.startswith("computing the original model's answers to")]
    assert words_of(asking, "")[0] == "up to N left with this recipe"
    assert words_of(lines, "comparing the answers to")[0] == "up to N left with this recipe"
    # nearly all of the budget is left, so no outlier channels are looked for
    assert words_of(lines, "comparing token ids") == ["about N left with this recipe"]
    assert not any(line.startswith("looking for outlier channels") for line in lines)


def test_the_next_recipe_is_timed_anew(tmp_path: Path) -> None:
    model = plant(demo_checkpoint(CLS), tmp_path / "planted", ffn=60, value=30)
    lines = list[str]()
    exported = export_onnx(model, tmp_path / "bundle", precision="int8", progress=lines.append)
    assert [trial["recipe"] for trial in exported.manifest.recipe_search["trials"]] == ["per-channel", "outlier split"]
    # whether the split makes another graph is asked after the first was refused, when nothing is known of what follows
    assert set(words_of(lines, "looking for outlier channels")) == {""}
    second = lines[lines.index("trying the recipe outlier split") :]
    assert set(words_of(second, "converting")) == {""}
    assert words_of(second, "comparing the answers to")[0] == "about N left with this recipe"


@pytest.mark.parametrize(("precisions", "part"), [(["fp16"], ""), (["fp16", "fp32"], " for fp16")])
def test_several_graphs(precisions: list[str], part: str, checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    """There is a single recipe for fp16, and no estimate for fp32, whose graph and original are not timed."""
    lines, checkpoint = list[str](), checkpoint_of("feature-extraction")
    export_onnx(checkpoint, tmp_path / "hub", layout="hub", precision=precisions, progress=lines.append)
    words = words_of(lines, "comparing token ids")
    assert words[0] == f"about N left{part}"
    assert words[1:] == [""] * (len(precisions) - 1)
