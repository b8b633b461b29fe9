"""Every operator of a file has its options, and its code in both fields."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite.builtin_operators import complete_operators, old_code, operators_without_options
from albert_converters.tflite.model import dumps, loads, operator_name
from tests.tiny_graph import run_tflite
from tests.tiny_tflite import TinyModel


def without_options() -> schema.ModelT:
    """y = gelu(cast(rsqrt(maximum(x, 4)))): each operator lacks its options."""
    tiny = TinyModel()
    graph = tiny.graph()
    x = source = graph.input("x", [-1, 4], np.int32)
    for name, constants, dtype in (
        ("MAXIMUM", [graph.constant("four", np.int32([4]))], np.int32),
        ("CAST", [], np.float32),
        ("RSQRT", [], np.float32),
        ("GELU", [], np.float32),
    ):
        target = graph.tensor(name, [-1, 4], dtype)
        graph.operator(name, [source, *constants], [target])
        source = target
    graph.outputs(source)
    tiny.sign({"x": x}, {"y": source})
    return tiny.model


def test_options_are_written_where_the_schema_has_a_table() -> None:
    model = without_options()
    assert [operator_name(model, one) for _, one in operators_without_options(model)] == ["MAXIMUM", "CAST", "GELU"]
    before = run_tflite(dumps(model), x=np.int32([[1, 4, 16, 64]]))["y"]
    complete_operators(model)
    assert list(operators_without_options(model)) == []

    read = loads(dumps(model))
    options = [one.builtinOptions for one in read.subgraphs[0].operators]
    assert [type(one) for one in options] == [
        schema.MaximumMinimumOptionsT,
        schema.CastOptionsT,
        type(None),
        schema.GeluOptionsT,
    ]
    assert (options[1].inDataType, options[1].outDataType) == (schema.TensorType.INT32, schema.TensorType.FLOAT32)
    assert not options[3].approximate
    np.testing.assert_array_equal(run_tflite(dumps(model), x=np.int32([[1, 4, 16, 64]]))["y"], before)


def test_options_of_newer_operators_are_in_the_second_union() -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    x, y = graph.input("x", [4]), graph.tensor("y", [4], np.int32)
    graph.operator("DILATE", [x], [y])
    graph.outputs(y)
    complete_operators(tiny.model)
    [operator] = loads(dumps(tiny.model)).subgraphs[0].operators
    assert operator.builtinOptions2Type == schema.BuiltinOptions2.DilateOptions


def test_codes_are_in_both_fields() -> None:
    model = without_options()
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = 0
    complete_operators(model)
    assert [(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes] == [
        (schema.BuiltinOperator.MAXIMUM, schema.BuiltinOperator.MAXIMUM),
        (schema.BuiltinOperator.CAST, schema.BuiltinOperator.CAST),
        (schema.BuiltinOperator.RSQRT, schema.BuiltinOperator.RSQRT),
        (schema.BuiltinOperator.GELU, 127),  # the old field ends there
    ]


def test_a_code_of_an_old_file_stays() -> None:
    assert old_code(schema.OperatorCodeT(schema.BuiltinOperator.MUL, None, 1, 0)) == schema.BuiltinOperator.MUL
