"""A local Ray cluster of two workers, and a local Spark session, give the answers of a single process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from tests.conftest import CheckpointOf
from tests.virtual_environment import ROOT, build, new_environment, run_in

pytestmark = pytest.mark.slow

ROWS = [
    {"n": n, "query": "Where is the tower?", "page": "The tower stands in Paris. " * (n % 7) if n % 5 else ""}
    for n in range(120)
]

_RAY = """
import json, os, sys
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import numpy, ray
from albert_runtime.integrations.ray import AnswerBatches

class Traced(AnswerBatches):
    def __call__(self, batch):
        answered = super().__call__(batch)
        return {**answered, "worker": numpy.full(len(answered["answer"]), os.getpid())}

request = json.load(sys.stdin)
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
answered = ray.data.from_items(request["rows"], override_num_blocks=12).map_batches(
    Traced,
    fn_constructor_args=(request["bundle"],),
    fn_constructor_kwargs={"columns": request["columns"], "top_k": 2},
    compute=ray.data.ActorPoolStrategy(size=2),
    batch_size=8,
)
print("ROWS" + json.dumps([{**row, "worker": int(row["worker"])} for row in answered.take_all()]))
ray.shutdown()
"""

_SPARK = """
import json, os, sys
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession
from albert_runtime.integrations.spark import answer_frames, with_answers

request = json.load(sys.stdin)
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "1g")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
)
frame = spark.createDataFrame([tuple(row.values()) for row in request["rows"]], list(request["rows"][0]))
answer = answer_frames(request["bundle"], columns=request["columns"], top_k=2)
answered = frame.repartition(6).mapInPandas(answer, with_answers(frame.schema))
assert answered.columns == [*frame.columns, "answer", "error"]
print("ROWS" + json.dumps([row.asDict() for row in answered.collect()]))
spark.stop()
"""


@pytest.fixture
def python_with(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """The Python of a new environment with the thin wheel and one of its extras; it is deleted after the test."""

    def make(extra: str, package: str) -> str:
        build(ROOT / "runtime", tmp_path, "--wheel")
        (wheel,) = tmp_path.glob("albert_runtime-*.whl")
        requirements = ["-c", str(ROOT / "constraints.txt"), f"{wheel}[onnx,{extra}]"]
        return new_environment(tmp_path / "venv", requirements, may_lack=package)

    yield make
    shutil.rmtree(tmp_path / "venv", ignore_errors=True)


def answered_by(python: str, script: str, bundle: Path) -> list[dict[str, Any]]:
    """The rows that the script prints, in the order of their numbers."""
    request = {"bundle": str(bundle), "rows": ROWS, "columns": {"question": "query", "context": "page"}}
    done = run_in(python, "-c", script, stdin=json.dumps(request))
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ROWS"))
    rows: list[dict[str, Any]] = json.loads(line.removeprefix("ROWS"))
    return sorted(rows, key=lambda row: row["n"])


def check(rows: list[dict[str, Any]], bundle: Path) -> None:
    """Compare with the answers of a session in this process."""
    session = albert_runtime.load(bundle)
    assert [row["n"] for row in rows] == [row["n"] for row in ROWS]
    for row, given in zip(rows, ROWS, strict=True):
        assert {name: row[name] for name in given} == given
        if not given["page"]:
            assert (row["answer"], row["error"]) == (None, "context is empty; give it some text")
            continue
        assert row["error"] is None
        expected = [one.to_dict() for one in session(given["query"], given["page"], top_k=2)]
        answers = json.loads(row["answer"])
        assert [one.pop("score") for one in answers] == pytest.approx([one.pop("score") for one in expected], abs=1e-5)
        assert answers == expected


def test_two_ray_workers(bundle_of: CheckpointOf, python_with: Callable[[str, str], str]) -> None:
    bundle = bundle_of("question-answering")
    rows = answered_by(python_with("ray", "ray"), _RAY, bundle)
    check(rows, bundle)
    assert len({row["worker"] for row in rows}) == 2


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_a_spark_session(bundle_of: CheckpointOf, python_with: Callable[[str, str], str]) -> None:
    bundle = bundle_of("question-answering")
    check(answered_by(python_with("spark", "pyspark"), _SPARK, bundle), bundle)
