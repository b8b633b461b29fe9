"""The products of matrices that the processor's limit is measured with."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from albert_export.bench import matrix_products
from albert_export.bench.matrix_products import LIBRARIES, measure_library


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_multiplies_in_both_precisions(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_products, "SIZES", (32, 64))
    records = measure_library(library, threads=1, seconds=0)
    assert [(record["precision"], record["size"]) for record in records] == [
        (precision, size) for size in (32, 64) for precision in ("fp32", "int8")
    ]
    assert all(record["gops"] > 0 for record in records)
    assert {record["by"].split()[0] for record in records} == {LIBRARIES[library][0]}


def test_the_products_are_those_of_numpy() -> None:
    random = np.random.default_rng(8)
    for precision, product in matrix_products.onnx_products(8, 1):
        a, b = (random.integers(0, 64, (8, 8)).astype(np.int64) for _ in range(2))
        [result] = product()  # type: ignore[misc]
        np.testing.assert_array_equal(result, a @ b, err_msg=precision)


def test_a_library_that_is_missing_or_fails_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert measure_library("onnx", threads=1, seconds=0) == []


def test_the_process_prints_nothing_but_the_records() -> None:
    code = "from albert_export.bench import matrix_products as products; products.SIZES = (16,); products.main()"
    request = '{"library": "litert", "threads": 1, "seconds": 0}'
    done = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, text=True, check=True)
    assert [record["size"] for record in json.loads(done.stdout)["records"]] == [16, 16]
