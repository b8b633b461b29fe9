"""The profile of TFLite kernels: what kind a function is, and the shares of a run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CheckpointOf
from tools.operator_profile import tflite


def test_every_function_has_one_kind() -> None:
    kinds = {
        "xnn_qd8_f32_qc8w_gemm_minmax_ukernel_5x64c4__asm_amd64_avx512vnni": "integer products",
        "xnn_qd8_f32_qc4w_gemm_minmax_ukernel_8x16c8__avx512vnni_prfm": "integer products",
        "xnn_f32_gemm_minmax_ukernel_7x32__avx512f_broadcast": "float products",
        "xnn_f32_rminmax_ukernel__avx512f_u64_acc4": "quantizing",
        "xnn_f32_qu8_vcvt_ukernel__avx512skx_u128": "quantizing",
        "(anonymous namespace)::xnn_pack_lh_f32_qduint8": "quantizing",
        "xnn_x32_packw_gemm_goi_ukernel_x32__avx512f_u4_prfm": "packing",
        "xnn_f32_raddstoreexpminusmax_ukernel__avx512f_rr2_p5_u64_acc2": "softmax",
        "xnn_f32_rmax_ukernel__avx512f_u64_acc4": "softmax",
        "xnn_f32_vapproxgelu_ukernel__avx512f_rational_12_10_div_u32": "GELU",
        "xnn_f32_vsqrdiffc_ukernel__avx512f_u32": "sums and scalings",
        "xnn_f32_rsum_ukernel__avx512f_u32_acc2": "sums and scalings",
        "xnn_x32_transposec_ukernel__8x8_reuse_multi_avx": "transposes and copies",
        "__memmove_avx512_unaligned_erms": "transposes and copies",
        "pthreadpool_parallelize": "waiting",
        "_PyEval_EvalFrameDefault": "rest",
    }
    assert {symbol: tflite.kind_of(symbol) for symbol in kinds} == kinds


def test_shares_add_up_to_all_samples() -> None:
    lines = [
        "    7f8457 xnn_qd8_f32_qc8w_gemm_minmax_ukernel_5x64c4__asm_amd64_avx512vnni",
        "    7f8457 xnn_qd8_f32_qc8w_gemm_minmax_ukernel_5x64c4__asm_amd64_avx512vnni",
        "    7f8457 __memmove_avx512_unaligned_erms",
        "    7f8457 (anonymous namespace)::unheard_of",
        "",
    ]
    found = tflite.shares(lines)
    assert {kind: share for kind, share in found.items() if share} == {
        "integer products": 0.5,
        "transposes and copies": 0.25,
        "rest": 0.25,
    }


def test_a_profile_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="perf has no samples"):
        tflite.shares([])


def test_a_machine_without_perf_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["tflite", "bundle"])
    with pytest.raises(SystemExit):
        tflite.main()
    assert "apt-get install linux-perf" in capsys.readouterr().err


def _perf_works(folder: Path) -> bool:
    command = ["perf", "record", "-o", str(folder / "samples"), "--", "true"]
    return (
        shutil.which("perf") is not None and subprocess.run(command, check=False, capture_output=True).returncode == 0
    )


def test_the_products_of_a_bundle_are_seen(
    tflite_bundle_of: CheckpointOf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if not _perf_works(tmp_path):
        pytest.skip("perf is not installed, or may not watch processes here")
    bundle = tflite_bundle_of("question-answering")
    monkeypatch.setattr(sys, "argv", ["tflite", str(bundle), "--lengths", "16", "--seconds", "1"])
    tflite.main()
    heading, _, row = capsys.readouterr().out.splitlines()
    cells = dict(zip(*([cell.strip() for cell in line.strip("|").split("|")] for line in (heading, row)), strict=True))
    assert cells["bundle"] == bundle.name
    assert re.fullmatch(r"[\d.]+", cells["ms"])
    assert float(cells["integer products"].rstrip("%")) + float(cells["float products"].rstrip("%")) > 0
