"""Fills in what TensorFlow's converter and the quantizer leave out of a file's built-in operators.

TFLite's own interpreters don't miss it, but other readers of TFLite files do. OpenVINO finds an operator by the field
for codes below 127 that files had before version 3a of the schema, where the quantizer leaves a 0, the code of ADD.
"""

from __future__ import annotations

from collections.abc import Iterator

from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite.model import integers, operator_name

#: the tables of options that the schema has, by their names in small letters
_TABLES = {
    name.lower(): name
    for tables in (schema.BuiltinOptions, schema.BuiltinOptions2)
    for name, number in vars(tables).items()
    if isinstance(number, int) and number
}
#: operators whose table is not named like them
_OTHER_TABLES = {"MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions"}


def complete_operators(model: schema.ModelT) -> None:
    """Write the code of each operator of `model` in both fields, and its options where it has none: default values.

    Operators for which the schema has no table of options, such as RSQRT and TANH, get none.
    """
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = old_code(code)
    for graph, operator in operators_without_options(model):
        table = _table(operator_name(model, operator))
        options = getattr(schema, f"{table}T")()
        if isinstance(options, schema.CastOptionsT):
            options.inDataType = graph.tensors[integers(operator.inputs)[0]].type
            options.outDataType = graph.tensors[integers(operator.outputs)[0]].type
        if hasattr(schema.BuiltinOptions, table):
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = options
        else:
            operator.builtinOptions2Type = getattr(schema.BuiltinOptions2, table)
            operator.builtinOptions2 = options


def old_code(code: schema.OperatorCodeT) -> int:
    """Return what the field of a code for older readers should hold: the code, or 127 for a larger one."""
    return min(
        max(code.builtinCode, code.deprecatedBuiltinCode), schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES
    )


def operators_without_options(model: schema.ModelT) -> Iterator[tuple[schema.SubGraphT, schema.OperatorT]]:
    """Yield the operators, with their subgraphs, that lack the table of options which the schema has for them."""
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            has_options = operator.builtinOptionsType or operator.builtinOptions2Type
            if not has_options and _table(operator_name(model, operator)):
                yield graph, operator


def _table(name: str) -> str:
    """The name of the table of options for an operator, "CastOptions" for "CAST"; "" if there is none."""
    return _OTHER_TABLES.get(name) or _TABLES.get(f"{name.replace('_', '')}options".lower(), "")
