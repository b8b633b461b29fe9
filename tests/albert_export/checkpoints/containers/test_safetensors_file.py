"""safetensors files: mapped, not copied; and headers that break the rules of the format are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from albert_export.checkpoints.containers.safetensors_file import read_safetensors
from albert_export.checkpoints.number_formats import as_float32, float_format
from albert_runtime.errors import CheckpointError

#: name -> dtype, shape, offsets of a valid file with 24 bytes of numbers
ENTRIES = {
    "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    "b": {"dtype": "F16", "shape": [4], "data_offsets": [16, 24]},
}


def write(file, header, data=bytes(24)):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(len(content).to_bytes(8, "little") + content + data)


def test_the_package_reads_the_same(tmp_path):
    file = tmp_path / "x.safetensors"
    torch.manual_seed(0)
    tensors = {
        "f32": torch.randn(3, 4),
        "bf16": torch.randn(5, 2).to(torch.bfloat16),
        "f16": torch.randn(7).to(torch.float16),
        "f64": torch.randn(2, 2, 2, dtype=torch.float64),
        "i64": torch.arange(3),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(1.5),
        "empty": torch.ones(0, 4),
    }
    save_file(tensors, file)
    found = dict(read_safetensors(file))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].shape == tuple(tensor.shape)
        if tensor.is_floating_point():
            assert float_format(found[name].dtype) == str(tensor.dtype).removeprefix("torch.")
            converted = as_float32(found[name])
            assert converted.dtype == np.float32
            assert converted.flags.aligned
            assert converted.flags.c_contiguous
            np.testing.assert_array_equal(converted, tensor.float().numpy())


def test_an_odd_place_is_aligned(tmp_path):
    file = tmp_path / "x.safetensors"
    header = {"b": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}
    header["f"] = {"dtype": "F32", "shape": [3], "data_offsets": [1, 13]}
    write(file, header, b"\1" + np.arange(3, dtype="<f4").tobytes())
    array = as_float32(dict(read_safetensors(file))["f"])
    assert array.flags.aligned
    assert array.tolist() == [0, 1, 2]


def test_changes_stay_in_memory(tmp_path):
    file = tmp_path / "x.safetensors"
    write(file, ENTRIES)
    before = file.read_bytes()
    for _, array in read_safetensors(file):
        array[...] = 5
    assert file.read_bytes() == before


def test_float32_weights_are_not_copied(tmp_path):
    """The resident memory that a large file takes is that of the mapped pages, which the system can drop."""
    file = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({f"w{i}": np.ones((1000, 10_000), np.float32) for i in range(8)}, file)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from albert_export.checkpoints.containers.safetensors_file import read_safetensors\n"
        "from albert_export.checkpoints.number_formats import as_float32, is_finite\n"
        "def anonymous():\n"
        "    text = Path('/proc/self/status').read_text()\n"
        "    return int(text.split('RssAnon:')[1].split()[0])\n"
        "before = anonymous()\n"
        "kept = {name: as_float32(array) for name, array in read_safetensors(Path(sys.argv[1]))}\n"
        "assert all(map(is_finite, kept.values())) and len(kept) == 8\n"
        "print(anonymous() - before)\n"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell the memory of a process")
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert file.stat().st_size == pytest.approx(320e6, rel=0.01)
    assert int(done.stdout) < 20_000  # kB


@pytest.mark.parametrize(
    ("header", "data", "said"),
    [
        (b"", bytes(24), "is not JSON"),
        (b"[]", b"", "not a JSON object"),
        (b"{" + b"[" * 50_000, b"", "is not JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", b"", "is not JSON"),
        (b'{"\xff": 1}', b"", "is not JSON"),
        (b'{"a": {}, "a": {}}', b"", "a name twice"),
        ({"a": 5}, b"", "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "shape": [-2, -2]}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "shape": [2.0, 2]}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "shape": [True, 4]}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "shape": [1] * 70 + [4]}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "dtype": None}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "data_offsets": [0]}}, bytes(16), "describes 'a' wrongly"),
        ({"a": {**ENTRIES["a"], "data_offsets": [16, 0]}}, bytes(16), "has the shape"),
        ({"a": {**ENTRIES["a"], "shape": [2**62, 2**62]}}, bytes(16), "has the shape"),
        ({"a": {**ENTRIES["a"], "shape": [2, 3]}}, bytes(16), "has the shape"),
        ({"a": {**ENTRIES["a"], "data_offsets": [10**15, 10**15 + 16]}}, bytes(16), "must begin at 0"),
        ({**ENTRIES, "b": {**ENTRIES["b"], "data_offsets": [8, 16]}}, bytes(16), "must begin at 16"),
        (ENTRIES, bytes(23), "must take 24 bytes, and take 23"),
        (ENTRIES, bytes(25), "must take 24 bytes, and take 25"),
    ],
)
def test_headers_that_break_the_rules(tmp_path, header, data, said):
    file = tmp_path / "x.safetensors"
    write(file, header, data)
    with pytest.raises(CheckpointError, match=f"is damaged or not a safetensors file .*{said}"):
        list(read_safetensors(file))


@pytest.mark.parametrize("length", [0, 7, 2**63, 100_000_001, 2**64 - 1])
def test_lengths_of_headers(tmp_path, length):
    file = tmp_path / "x.safetensors"
    file.write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="is damaged or not a safetensors file"):
        list(read_safetensors(file))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["F32", "BF16"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_SIZES = st.lists(st.integers(-1, 40), max_size=3)
_ANY_ENTRY = st.fixed_dictionaries(
    {"dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "F8_E4M3", "X"]), "shape": _SIZES, "data_offsets": _SIZES}
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(header=st.dictionaries(st.text(max_size=8), _ANY_ENTRY | _VALUES, max_size=3) | _VALUES, size=st.integers(0, 40))
def test_any_header_is_read_or_refused(tmp_path, header, size):
    file = tmp_path / "x.safetensors"
    write(file, header, bytes(size))
    try:
        found = dict(read_safetensors(file))
    except CheckpointError:
        return
    # What is read is what the package reads.
    assert found.keys() == {name for name, _ in safetensors.deserialize(file.read_bytes())}
