"""The doctor for .tflite files: checks that find errors, and the repair, which stores equal weights once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from albert_converters.doctor.diagnosis import (
    FLOAT16_LOWEST,
    FLOAT16_ZERO,
    CheckResult,
    Diagnosis,
    megabytes,
    run_checks,
)
from albert_converters.doctor.shared_checks import (
    QUANTIZED_NAME,
    DuplicatedWeight,
    duplicated_weights,
    frozen_shapes,
    is_segment_embedding,
    missing_inputs,
    transposed_copies,
)
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.builtin_operators import complete_operators, old_code
from albert_converters.tflite.inspection import packed_files
from albert_converters.tflite.model import axes, integers, tensors, text, type_name
from albert_converters.tflite.model_view import LOOKUPS, TFLiteModelView, read_tflite
from albert_runtime.errors import UnsupportedError

#: operators that an attention mask is built or applied with
_MASKING = ("ADD", "MUL", "SUB", "SELECT", "SELECT_V2", "FILL", "MAXIMUM", "MINIMUM", "WHERE")
#: the operator from whose result other operators take shapes, which are then known only when the graph runs
_SHAPE = "SHAPE"
#: operators that follow the addition of epsilon in a LayerNorm
_ROOTS = ("RSQRT", "SQRT", "POW")


def diagnose_tflite(path: Path) -> Diagnosis:
    """Read the file at `path` and run all checks on it.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    return run_checks(read_tflite(path), CHECKS, _repair)


def _repair(model: TFLiteModelView) -> tuple[list[str], bytes]:
    """Store equal weights once, and write operators for older readers too; see `Diagnosis.repair`."""
    packed = packed_files(model.path)
    if packed:
        raise UnsupportedError(
            f"{model.path} carries files behind the model ({', '.join(packed)}), which would be lost: repair the model "
            "before they are packed"
        )
    saved = tflite_model.share_equal_buffers(model.model)
    done = [f"shared equal weights: {megabytes(saved)}"] if saved else []
    if _misread_operators(model):
        complete_operators(model.model)
        done.append("wrote the codes of operators for older readers too")
    return done, tflite_model.dumps(model.model)


# --- weights --------------------------------------------------------------------------------------------------------


def check_duplicated_weights(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find weights whose bytes the file stores more than once."""
    found = [
        DuplicatedWeight(text(group[0].name), len(group), model.size(group[0])) for group in model.duplicated_weights
    ]
    yield from duplicated_weights(found, model.file_bytes)


def check_transposed_copies(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find matrices that the file stores a second time, transposed."""
    first: dict[tuple[tuple[int, ...], bytes], schema.TensorT] = {}
    copies = []
    for tensor in tensors(model.model):
        values, shape = model.values(tensor), tuple(integers(tensor.shape))
        if values is None or len(shape) != 2 or values.size != shape[0] * shape[1] or not model.is_weight(tensor):
            continue
        matrix = values.reshape(shape)
        if (shape, matrix.tobytes()) not in first:
            if (shape[::-1], matrix.T.tobytes()) in first:
                copies.append((text(tensor.name), values.nbytes))
            first[shape, matrix.tobytes()] = tensor
    remedy = "export the checkpoint again: albert-export tflite"
    yield from transposed_copies(copies, model.file_bytes, remedy=remedy, repairable=False)


def check_hidden_weights(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find weights that a matmul reads through an operator, so that quantizers take them for activations."""
    hidden = [matmul for matmul in model.matmuls if matmul.is_hidden and model.is_weight(matmul.constant)]
    if hidden:
        sizes = {matmul.constant.buffer: model.size(matmul.constant) for matmul in hidden}
        ways = Counter(" and ".join(matmul.through) for matmul in hidden)
        yield CheckResult(
            "hidden-weights",
            is_error=True,
            what=f"{len(hidden)} of {len(model.matmuls)} matmuls with weights read them through "
            + ", ".join(f"{way} ({count})" for way, count in ways.items()),
            costs=f"quantizers skip {megabytes(sum(sizes.values()))}, and kernels can't prepare them",
            remedy="export the checkpoint again: albert-export tflite",
            where=tuple(dict.fromkeys(text(matmul.constant.name) for matmul in hidden)),
        )


def check_int8_claims(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find a file that says it is quantized, but multiplies most of its weights in floating point."""
    quantizers = sum(one.name == "QUANTIZE" for one in model.operators)
    claims = [f"its name {model.path.name}"] if QUANTIZED_NAME.search(model.path.name) else []
    claims += [f"{quantizers} QUANTIZE"] if quantizers else []
    floats = [matmul.name for matmul in model.matmuls if matmul.arithmetic == "float"]
    count = len(model.matmuls)
    if claims and 2 * len(floats) > count:
        float_bytes = sum(model.size(tensor) for tensor in model.constants if type_name(tensor) == "float32")
        yield CheckResult(
            "claims-int8",
            is_error=True,
            what=f"it says that it is quantized ({', '.join(claims)}), but {count - len(floats)} of {count} matmuls "
            "with weights are; matmuls of two activations are not counted",
            costs=f"{megabytes(float_bytes)} of {megabytes(model.file_bytes)} are in float32",
            remedy="albert-export tflite --precision int8 quantizes the weights of the checkpoint",
            where=tuple(floats),
        )


def check_unrolled_layers(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find weights that several matmuls read: XNNPACK packs a copy for each of them."""
    weights = [matmul.constant for matmul in model.matmuls if not matmul.through and model.is_weight(matmul.constant)]
    readers = Counter(tensor.buffer for tensor in weights)
    sizes = {tensor.buffer: model.size(tensor) for tensor in weights if readers[tensor.buffer] > 1}
    extra = sum(size * (readers[buffer] - 1) for buffer, size in sizes.items())
    if extra > model.file_bytes:
        yield CheckResult(
            "unrolled-layers",
            is_error=False,
            what=f"{len(sizes)} weights are read by {sum(readers[buffer] for buffer in sizes)} matmuls",
            costs=f"XNNPACK packs a copy for each matmul: {megabytes(extra)} of memory more",
            remedy="albert-export tflite keeps the shared layer in a loop, where its weights are packed once",
        )


# --- where it runs --------------------------------------------------------------------------------------------------


def check_custom_operators(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find operators that are not TFLite's own: those of TensorFlow (Flex), and custom ones."""
    names = Counter(one.name for one in model.operators)
    found = {name: count for name, count in names.most_common() if not hasattr(schema.BuiltinOperator, name)}
    if found:
        flex = all(name.startswith("Flex") for name in found)
        yield CheckResult(
            "custom-operators",
            is_error=True,
            what=f"{sum(found.values())} operators are not TFLite's own",
            costs="LiteRT does not load it"
            + ("; TensorFlow up to 2.18 does, with its own library" if flex else " without a library of their own"),
            remedy="export the checkpoint again: albert-export tflite writes TFLite's own operators",
            where=tuple(f"{name}: {count}" for name, count in found.items()),
        )


def check_misread_operators(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find operators whose code older readers take for another one."""
    names = _misread_operators(model)
    if names:
        yield CheckResult(
            "misread-operators",
            is_error=False,
            what=f"the codes of {', '.join(names)} are not in the field for older readers, who find another operator",
            costs='OpenVINO refuses the file: "Chosen Builtin Option is not accessible for this node"',
            remedy="--fix writes both fields",
            where=names,
            repairable=True,
        )


def _misread_operators(model: TFLiteModelView) -> tuple[str, ...]:
    codes = model.model.operatorCodes
    misread = {index for index, code in enumerate(codes) if code.deprecatedBuiltinCode != old_code(code)}
    return tuple(sorted({one.name for one in model.operators if one.code in misread}))


def check_bitcasts(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find operators that read the bits of one type as another one."""
    count = sum(one.name == "BITCAST" for one in model.operators)
    if count:
        yield CheckResult(
            "bitcasts",
            is_error=False,
            what=f"{count} BITCAST",
            costs='OpenVINO refuses the file: "No translator found for BITCAST node"',
            remedy="export the checkpoint again: albert-export tflite has no BITCAST in any precision",
        )


def check_frozen_shapes(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find inputs that take one batch size or one length only."""
    yield from frozen_shapes(model.inputs)


def check_dynamic_outputs(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find outputs for which LiteRT's CompiledModel makes buffers that are too small."""
    outputs = [(name, axes(tensor)) for name, tensor in model.signature_tensors("outputs")]
    dynamic = [(name, sizes) for name, sizes in outputs if any(size < 0 for size in sizes)]
    if dynamic and any(one.name == _SHAPE for one in model.operators):
        yield CheckResult(
            "dynamic-outputs",
            is_error=False,
            what=f"{', '.join(name for name, _ in dynamic)}: of sizes that are known only after a run",
            costs="LiteRT's CompiledModel takes each dynamic size for 1 and writes past the end of the output buffers "
            "that it makes, so that the process crashes; LiteRT's Interpreter and albert_runtime run the graph right",
            remedy="for CompiledModel, and for GPUs and NPUs, export the checkpoint with static shapes: albert-export "
            "tflite --sequence-length N",
            where=tuple(f"{name} {[size if size >= 0 else 'any' for size in sizes]}" for name, sizes in dynamic),
        )


def check_missing_inputs(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find out whether token type ids or the mask are missing among the inputs."""
    segments = []
    for one in model.operators:
        for tensor in one.tensors()[:1] if one.name in LOOKUPS else []:
            has_two_rows = len(axes(tensor)) == 2 and axes(tensor)[0] == 2
            if model.is_weight(tensor) and (is_segment_embedding(text(tensor.name)) or has_two_rows):
                segments.append(text(tensor.name))
    yield from missing_inputs(model.inputs, segment_weights=segments)


def check_int64_ids(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find token ids that must be int64."""
    names = [name for name, tensor in model.signature_tensors("inputs") if type_name(tensor) == "int64"]
    if names:
        yield CheckResult(
            "int64-ids",
            is_error=False,
            what=f"{', '.join(names)}: int64, where TFLite models of text take int32",
            costs="apps and Task Library feed int32 and are refused; GPU and NNAPI delegates leave int64 to the CPU",
            remedy="export the checkpoint again: albert-export tflite",
            where=tuple(names),
        )


def check_float16_masks(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find masks with numbers beyond the range of float16, in which GPU delegates compute."""
    found: dict[str, float] = {}
    for one in model.operators:
        for tensor in one.tensors() if one.name in _MASKING else []:
            values = model.values(tensor)
            if values is not None and values.dtype.kind == "f" and float(values.min()) < FLOAT16_LOWEST:
                found[text(tensor.name)] = float(values.min())
    if found:
        yield CheckResult(
            "mask-overflows-float16",
            is_error=False,
            what=f"the mask is {min(found.values()):.3g}: beyond float16, which ends at {FLOAT16_LOWEST:.0f}",
            costs="GPU delegates compute in half precision: it becomes -inf there, and -inf times 0 is NaN",
            remedy="export the checkpoint again: albert-export tflite has masks fit for float16",
            where=tuple(f"{name}: {value:.3g}" for name, value in found.items()),
        )


def check_float16_epsilons(model: TFLiteModelView) -> Iterator[CheckResult]:
    """Find LayerNorms whose epsilon is rounded to 0 in float16."""
    rooted = {(id(one.graph), index) for one in model.operators if one.name in _ROOTS for index in one.inputs}
    found = []
    for one in model.operators:
        if one.name == "ADD" and any((id(one.graph), index) in rooted for index in one.outputs):
            constants = (model.values(tensor) for tensor in one.tensors())
            found += [float(array[0]) for array in constants if array is not None and array.size == 1]
    found = [value for value in found if 0 < value <= FLOAT16_ZERO]
    if found:
        yield CheckResult(
            "epsilon-vanishes-in-float16",
            is_error=False,
            what=f"{len(found)} LayerNorms add {max(found):.0e}, which is 0 in float16",
            costs="on GPU delegates a row of equal values is divided by 0, and its answers are NaN",
            remedy="nothing, while it runs on the CPU",
        )


CHECKS: tuple[Callable[[TFLiteModelView], Iterator[CheckResult]], ...] = (
    check_duplicated_weights,
    check_transposed_copies,
    check_hidden_weights,
    check_int8_claims,
    check_unrolled_layers,
    check_custom_operators,
    check_misread_operators,
    check_bitcasts,
    check_frozen_shapes,
    check_dynamic_outputs,
    check_missing_inputs,
    check_int64_ids,
    check_float16_masks,
    check_float16_epsilons,
)
