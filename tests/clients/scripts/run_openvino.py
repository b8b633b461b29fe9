"""Runs graphs with OpenVINO on the processor: its version, and the outputs of each graph for each of its inputs."""

import json
import sys

import numpy as np
import openvino

# On processors with bfloat16, OpenVINO would compute in that unless it is told not to.
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32"}


def run(model, inputs):
    arrays = {name: np.array(one["data"], one["type"]).reshape(one["shape"]) for name, one in inputs.items()}
    outputs = model(arrays)
    return {
        name: {"type": "float32", "shape": list(value.shape), "data": value.ravel().tolist()}
        for port, value in outputs.items()
        for name in port.get_names()
    }


request = json.load(sys.stdin)
found = []
for graph in request["graphs"]:
    model = openvino.compile_model(graph["model"], "CPU", OPTIONS)
    found.append([run(model, inputs) for inputs in graph["inputs"]])
print(json.dumps({"version": openvino.__version__, "outputs": found}))
