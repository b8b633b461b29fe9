"""The proof of a repair: the mended graph and the original answer the same requests, and are compared."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from albert_converters.patient import InputSpec, Patient
from albert_export.demos import demo_checkpoint
from albert_export.samples.texts import sentences
from albert_runtime import AlbertTokenizer
from albert_runtime.engines import Arrays, Engine, open_engine
from albert_runtime.errors import AlbertError, DependencyError, ParityError, UnsupportedError, listed

#: what two outputs may differ by, as a share of the largest value where that is above 1: engines may sum in another
#: order when operators stand otherwise, and float32 sums are off by that much
TOLERANCE = 1e-6
#: texts, and tokens of the longest one, of the requests; the sizes that a graph fixes are taken instead
_SHAPES = ((1, 7), (1, 128), (3, 16), (2, 61))
_CLS, _SEP = 2, 3


@dataclass(frozen=True)
class Proof:
    """That two graphs give the same answers."""

    requests: int
    #: of all values of all outputs; a share of the largest value where that is above 1
    max_difference: float


def prove(original: Patient, mended: Path, *, progress: Callable[[str], None]) -> Proof:
    """Runs both files on real text of different lengths, alone and in padded batches.

    Requests that the original refuses, such as longer ones than it has positions for, prove nothing and don't count.

    Raises:
        ParityError: an output differs by more than TOLERANCE, or the mended graph does not run.
        UnsupportedError: the original itself can't be run, or gives NaN, so that nothing can be proved.
        DependencyError: the engine that runs them is not installed.
    """
    engine = "onnx" if original.file.suffix == ".onnx" else "litert"
    try:
        before = open_engine(original.file, name=engine)
    except UnsupportedError as error:
        raise UnsupportedError(f"it can't be run, so nothing can be proved and it is not mended: {error}") from error
    proof, refusal = Proof(0, 0.0), ""
    seen: set[str] = set()
    telling: set[str] = set()  # outputs that are not NaN throughout
    with _blaming_repair(original.file):
        after = open_engine(mended, name=engine)
    for request in requests(original.inputs, original.vocabulary):
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in request.items())
        progress(f"comparing both on {shapes}")
        try:
            expected = before.run(_named_for(before, request))
        except AlbertError as error:
            refusal = str(error)
            continue
        with _blaming_repair(original.file):
            got = after.run(_named_for(after, request))
        apart = _compare(original.file, shapes, got, expected)
        seen |= expected.keys()
        telling |= {name for name, array in expected.items() if not _is_all_nan(array)}
        proof = Proof(proof.requests + 1, max(proof.max_difference, apart))
    if not proof.requests:
        raise UnsupportedError(
            f"{original.file} answers no request, so nothing can be proved and it is not mended: {refusal}"
        )
    if seen != telling:
        raise UnsupportedError(
            f"{original.file} gives NaN throughout for {', '.join(sorted(seen - telling))}, so equal answers prove "
            "nothing and it is not mended; export it again from a checkpoint whose weights are finite"
        )
    return proof


def _is_all_nan(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.size > 0 and bool(np.isnan(array).all())


@contextlib.contextmanager
def _blaming_repair(original: Path) -> Iterator[None]:
    try:
        yield
    except DependencyError:
        raise
    except AlbertError as error:
        raise ParityError(f"{original} can't be mended: what came of it does not run ({error})") from error


def _named_for(engine: Engine, request: Arrays) -> Arrays:
    """The request by the engine's names: it calls Task Library's tensors what ours are called."""
    by_role = {InputSpec(name, (), array.dtype.kind == "i").role: array for name, array in request.items()}
    renamed = {name: by_role.get(InputSpec(name, (), True).role) for name in engine.input_names if name not in request}
    return {**request, **{name: array for name, array in renamed.items() if array is not None}}


def _compare(original: Path, shapes: str, got: Arrays, expected: Arrays) -> float:
    differences = {name: difference(got[name], expected[name]) for name in expected}
    problems = [f"{name} differs by {value:.1e}" for name, value in differences.items() if not value <= TOLERANCE]
    if problems:
        headline = f"{original} can't be mended: the answers would differ by more than {TOLERANCE:.0e} on {shapes}:"
        raise ParityError(listed(headline, problems))
    return max(differences.values(), default=0.0)


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest one, as a share of the largest value where that is above 1; NaN belongs to NaN only."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return float("inf")
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore"):  # infinities that are equal; others stay, as they should
        apart = np.where(same, 0.0, np.abs(got - expected))
    finite = np.abs(expected[np.isfinite(expected)])
    worst = float(apart.max(initial=0.0))
    return float("inf") if np.isnan(worst) else worst / max(1.0, float(finite.max(initial=0.0)))


def requests(inputs: Sequence[InputSpec], vocabulary: int) -> Iterator[Arrays]:
    """Inputs for a graph: real tokens, masks and segments that fit them, in every shape that it takes."""
    made = set()
    for rows, length in _SHAPES:
        shapes = tuple(_shape(one, rows, length) for one in inputs)
        if shapes not in made:
            made.add(shapes)
            yield {one.name: _values(one, shape, vocabulary) for one, shape in zip(inputs, shapes, strict=True)}


def _shape(one: InputSpec, rows: int, length: int) -> tuple[int, ...]:
    """Any batch comes first, any sequence last, and two of whatever stands between them."""
    last = len(one.axes) - 1
    sizes = [rows if axis == 0 else length if axis == last else 2 for axis in range(len(one.axes))]
    return tuple(size if fixed is None else fixed for size, fixed in zip(sizes, one.axes, strict=True))


def _values(one: InputSpec, shape: tuple[int, ...], vocabulary: int) -> np.ndarray:
    role = one.role
    if len(shape) < 2 or (role == "other" and not one.is_integer):
        random = np.random.default_rng(len(shape))
        return random.standard_normal(shape) if not one.is_integer else np.ones(shape, np.int64)
    rows, length = int(np.prod(shape[:-1])), shape[-1]
    # texts of a batch end one after the other, so that all but the first are padded
    lengths = np.array([max(1, length * (rows - row) // rows) for row in range(rows)])[:, None]
    place = np.arange(length)[None]
    if role == "mask":
        values = place < lengths
    elif role == "segments":
        values = (place >= lengths // 2) & (place < lengths)
    elif role == "positions":
        values = place + 0 * lengths
    else:
        values = np.where(place < lengths, _tokens(rows * length).reshape(rows, length), 0)
        values = np.where(place == lengths - 1, _SEP, np.where(place == 0, _CLS, values)) % vocabulary
    return values.reshape(shape).astype(np.int64 if one.is_integer else np.float32)


def _tokens(count: int) -> np.ndarray:
    """Ids of real text, as often as it takes."""
    tokenizer = AlbertTokenizer.from_folder(demo_checkpoint("question-answering"))
    return np.resize(np.array(tokenizer.encode(" ".join(sentences()[:40]), add_special_tokens=False)), count)
