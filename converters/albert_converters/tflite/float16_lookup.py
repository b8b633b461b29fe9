"""Lookups in a float16 table without BITCAST, which TensorFlow's converter can't write.

The converter knows no GATHER of float16. So the function that it converts looks up the same bits as int16, and a
BITCAST says that they are float16. LiteRT has a GATHER of float16 (from 1.4 on, TensorFlow from 2.20 on), and other
readers of TFLite files have no BITCAST: OpenVINO refuses a file with one.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite.model import integers, operator_name


def look_up_float16(model: schema.ModelT) -> None:
    """Make each GATHER of int16 whose rows a BITCAST takes for float16 a GATHER of float16.

    The bytes of the table stay as they are, and so do the values of the rows.
    """
    for graph in model.subgraphs:
        bitcasts = [one for one in graph.operators or [] if operator_name(model, one) == "BITCAST"]
        makers = {index: one for one in graph.operators or [] for index in integers(one.outputs)}
        for bitcast in bitcasts:
            [bits], [rows] = integers(bitcast.inputs), integers(bitcast.outputs)
            gather = makers.get(bits)
            if (
                gather is not None
                and operator_name(model, gather) == "GATHER"
                and graph.tensors[rows].type == schema.TensorType.FLOAT16
            ):
                graph.tensors[integers(gather.inputs)[0]].type = schema.TensorType.FLOAT16
                gather.outputs = [rows]
                graph.operators.remove(bitcast)
    _remove_unused_codes(model)


def _remove_unused_codes(model: schema.ModelT) -> None:
    """Remove the codes of operators that no subgraph has: an engine must know all codes of a file to load it."""
    operators = [one for graph in model.subgraphs for one in graph.operators or []]
    used = sorted({one.opcodeIndex for one in operators})
    model.operatorCodes = [model.operatorCodes[index] for index in used]
    for one in operators:
        one.opcodeIndex = used.index(one.opcodeIndex)
