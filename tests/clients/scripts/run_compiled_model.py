"""Runs inputs through LiteRT's CompiledModel; or says how many bytes its own output buffers have for inputs of a shape.

The request has "example", the file of an engine for CompiledModel, and "model". With "shape", the bytes are printed by
name; with "runs", the outputs of each run; and {"refused": reason} where the engine refuses the model.
"""

import importlib.util
import json
import sys

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel

request = json.load(sys.stdin)


def own_sizes(model_file, shape):
    model = CompiledModel.from_file(model_file)
    ((key, names),) = model.get_signature_list().items()
    for name in names["inputs"]:
        model.resize_input_tensor_by_name(key, name, shape)
    return {
        name: model.get_output_buffer_requirements(index)["buffer_size"] for index, name in enumerate(names["outputs"])
    }


def outputs(model_file, runs):
    spec = importlib.util.spec_from_file_location("example", request["example"])
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    try:
        engine = example.CompiledModelEngine(model_file)
    except ValueError as error:
        return {"refused": str(error)}
    found = []
    for run in runs:
        arrays = {name: np.array(one["data"], one["type"]).reshape(one["shape"]) for name, one in run.items()}
        found.append(
            {
                name: {"type": str(array.dtype), "shape": array.shape, "data": array.ravel().tolist()}
                for name, array in engine.run(arrays).items()
            }
        )
    return found


if "shape" in request:
    print(json.dumps(own_sizes(request["model"], request["shape"])))
else:
    print(json.dumps(outputs(request["model"], request["runs"])))
