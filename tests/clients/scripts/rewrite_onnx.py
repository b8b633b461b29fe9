"""Checks graphs with onnx, and rewrites them with each tool: the files that the tools made, or their errors."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import onnx
import onnxsim
import onnxslim
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort


def check(model: Path, folder: Path) -> Path:
    loaded = onnx.load(model)
    onnx.checker.check_model(loaded, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(loaded, check_type=True, strict_mode=True, data_prop=True)
    onnx.save(inferred, folder / "inferred.onnx")
    return folder / "inferred.onnx"


def simplify(model: Path, folder: Path) -> Path:
    simplified, checked = onnxsim.simplify(onnx.load(model))
    assert checked, "onnxsim says that its graph computes something else"
    onnx.save(simplified, folder / "simplified.onnx")
    return folder / "simplified.onnx"


def slim(model: Path, folder: Path) -> Path:
    onnx.save(onnxslim.slim(str(model)), folder / "slim.onnx")
    return folder / "slim.onnx"


def to_ort(model: Path, folder: Path) -> Path:
    # It is a command, which ends the process if it fails.
    convert_onnx_models_to_ort(model, output_dir=folder, optimization_styles=[OptimizationStyle.Fixed])
    return folder / f"{model.stem}.ort"


def quantize(model: Path, folder: Path) -> Path:
    quantize_dynamic(model, folder / "quantized.onnx", weight_type=QuantType.QInt8)
    return folder / "quantized.onnx"


TOOLS = {
    "onnx.checker": ("onnx", check),
    "onnxsim": ("onnxsim", simplify),
    "onnxslim": ("onnxslim", slim),
    "convert_onnx_models_to_ort": ("onnxruntime", to_ort),
    "quantize_dynamic": ("onnxruntime", quantize),
}


def rewrite(model: Path, folder: Path) -> dict[str, dict[str, str]]:
    folder.mkdir()
    found = {}
    for name, (package, tool) in TOOLS.items():
        try:
            result = {"file": str(tool(model, folder))}
        except (Exception, SystemExit) as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        found[name] = {"version": version(package), **result}
    return found


request = json.load(sys.stdin)
print("\n" + json.dumps([rewrite(Path(model), Path(folder)) for model, folder in request["models"]]))
