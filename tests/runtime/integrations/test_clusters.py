"""A local Ray cluster of two workers, and a local Spark session, give the answers of a single process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import albert_runtime
from albert_runtime.printing import to_plain
from tests.conftest import CheckpointOf
from tests.virtual_environment import ROOT, build, new_environment, run_in

pytestmark = pytest.mark.slow

ROWS = [
    {"n": n, "query": "Where is the tower?", "page": "The tower stands in Paris. " * (n % 7) if n % 5 else ""}
    for n in range(120)
]
ANSWERED = [row for row in ROWS if row["page"]]

_RAY = """
import json, os, sys
import ray
from albert_runtime.integrations.ray import AnswerBatches

class Traced(AnswerBatches):
    def __call__(self, batch):
        answered = super().__call__(batch)
        return answered.append_column("worker", [[os.getpid()] * len(answered)])

request = json.load(sys.stdin)
ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR")
answered = ray.data.from_items(request["rows"], override_num_blocks=12).map_batches(
    Traced,
    fn_constructor_args=(request["bundle"],),
    fn_constructor_kwargs={"columns": request["columns"], "top_k": 2},
    compute=ray.data.ActorPoolStrategy(size=2),
    batch_format="pyarrow",
    batch_size=8,
)
print("ROWS" + json.dumps(answered.take_all()))
ray.shutdown()
"""

_SPARK = """
import json, sys
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


#: reads the Parquet files that an example has written
_READ = """
import json, sys
import pyarrow.dataset
table = pyarrow.dataset.dataset(json.load(sys.stdin), format="parquet").to_table()
assert {"string"} == {str(table.schema.field(name).type) for name in ("answer", "error")}
print("ROWS" + json.dumps(table.to_pylist()))
"""

_SOAK = f"""
import sys
sys.path.append({str(ROOT)!r})
from tools.soak_ray import main
sys.exit(main())
"""


def python_with(extra: str, package: str, folder: Path) -> str:
    """The Python of a new environment with the thin wheel and one of its extras."""
    build(ROOT / "runtime", folder, "--wheel")
    (wheel,) = folder.glob("albert_runtime-*.whl")
    requirements = ["-c", str(ROOT / "constraints.txt"), f"{wheel}[onnx,{extra}]"]
    return new_environment(folder / "venv", requirements, may_lack=package)


@pytest.fixture(scope="module")
def ray_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ray")
    yield python_with("ray", "ray", folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def spark_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    folder = tmp_path_factory.mktemp("spark")
    yield python_with("spark", "pyspark", folder)
    shutil.rmtree(folder)


@pytest.fixture
def bundle(bundle_of: CheckpointOf) -> Path:
    return bundle_of("question-answering")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")


def rows_of(python: str, script: str, request: Any) -> list[dict[str, Any]]:
    """The rows that the script prints, in the order of their numbers."""
    done = run_in(python, "-c", script, stdin=json.dumps(request))
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ROWS"))
    rows: list[dict[str, Any]] = json.loads(line.removeprefix("ROWS"))
    return sorted(rows, key=lambda row: row["n"])


def answered_by(python: str, script: str, bundle: Path) -> list[dict[str, Any]]:
    """The answers that the script gives to `ROWS`."""
    return rows_of(
        python, script, {"bundle": str(bundle), "rows": ROWS, "columns": {"question": "query", "context": "page"}}
    )


def answered_by_example(python: str, example: str, bundle: Path, folder: Path, *options: str) -> list[dict[str, Any]]:
    """What a command in `examples` writes for the rows with an answer: a column "error" without any text."""
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ANSWERED))
    columns = ("--column", "question=query", "--column", "context=page")
    files = [str(one) for one in (ROOT / "examples" / example, bundle, folder / "in.jsonl", folder / "out")]
    done = run_in(python, *files, *columns, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return rows_of(python, _READ, str(folder / "out"))


def check(rows: list[dict[str, Any]], bundle: Path, expected_rows: Sequence[dict[str, Any]], *, top_k: int) -> None:
    """Compare with the answers of a session in this process."""
    session = albert_runtime.load(bundle)
    assert [row["n"] for row in rows] == [row["n"] for row in expected_rows]
    for row, given in zip(rows, expected_rows, strict=True):
        assert {name: row[name] for name in given} == given
        if not given["page"]:
            assert (row["answer"], row["error"]) == (None, "context is empty; give it some text")
            continue
        assert row["error"] is None
        answer, expected = json.loads(row["answer"]), to_plain(session(given["query"], given["page"], top_k=top_k))
        answers, expected = (answer, expected) if top_k > 1 else ([answer], [expected])
        for name in ("score", "null_score"):
            assert [one.pop(name) for one in answers] == pytest.approx([one.pop(name) for one in expected], abs=1e-5)
        assert answers == expected


def test_two_ray_workers(bundle: Path, ray_python: str) -> None:
    rows = answered_by(ray_python, _RAY, bundle)
    check(rows, bundle, ROWS, top_k=2)
    assert len({row["worker"] for row in rows}) == 2


def test_the_example_with_ray(bundle: Path, ray_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", '{"CPU": 2}')  # no CPU is left for reading and writing
    rows = answered_by_example(ray_python, "ray_answers.py", bundle, tmp_path, "--workers", "2")
    check(rows, bundle, ANSWERED, top_k=1)


def test_two_ray_workers_for_three_seconds(bundle: Path, ray_python: str, tmp_path: Path) -> None:
    requests = [{"question": row["query"], "context": row["page"]} for row in ANSWERED]
    (tmp_path / "requests.json").write_text(json.dumps(requests))
    arguments = [str(bundle), str(tmp_path / "requests.json"), "--seconds", "3", "--most-growth", "10"]
    done = run_in(ray_python, "-c", _SOAK, *arguments)
    assert (done.returncode, " 0 wrong" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_spark_session(bundle: Path, spark_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", spark_python)
    check(answered_by(spark_python, _SPARK, bundle), bundle, ROWS, top_k=2)


def test_the_example_with_spark(
    bundle: Path, spark_python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", spark_python)
    check(answered_by_example(spark_python, "spark_answers.py", bundle, tmp_path), bundle, ANSWERED, top_k=1)
