"""The equivalence check of a repair: the original graph and the repaired one must give the same answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from albert_converters.doctor.diagnosis import Diagnosis, InputSpec, role_of_name
from albert_export.demos import demo_checkpoint
from albert_export.samples.texts import sentences
from albert_export.utils.terminal import Progress
from albert_runtime import AlbertTokenizer
from albert_runtime.engines import Arrays, Engine, open_engine
from albert_runtime.errors import AlbertError, DependencyError, ParityError, UnsupportedError, listed

#: the largest difference that two outputs may have, see `difference`. It is not 0 because an engine may add up float32
#: numbers in another order when the operators around a matmul are others
TOLERANCE = 1e-6
#: number of texts, and tokens of the longest one, for each request; a graph with fixed sizes gets those sizes
_SHAPES = ((1, 7), (1, 128), (3, 16), (2, 61))
_CLS, _SEP = 2, 3
_TOKENIZER_FILES = ("spiece.model", "tokenizer.json", "vocab.txt")


@dataclass(frozen=True)
class EquivalenceReport:
    """The result of a comparison of two graphs that give the same answers."""

    #: number of requests that both graphs answered
    requests: int
    #: the largest difference of any output, see `difference`
    max_difference: float


def check_equivalence(original: Diagnosis, repaired: Path, *, progress: Progress) -> EquivalenceReport:
    """Run both files on real text of different lengths, alone and in padded batches, and compare their outputs.

    Requests that the original refuses are not counted, such as those longer than its table of positions.

    Raises:
        ParityError: an output differs by more than TOLERANCE, or the repaired graph does not run.
        UnsupportedError: the original itself can't be run, or gives nothing but NaN, so that there is nothing to
            compare with.
        DependencyError: the engine that runs them is not installed.
    """
    engine = "onnx" if original.file.suffix == ".onnx" else "litert"
    try:
        before = open_engine(original.file, name=engine)
    except UnsupportedError as error:
        raise UnsupportedError(f"{original.file} can't be run, so a repair can't be checked: {error}") from error
    with _as_failed_repair(original.file):
        after = open_engine(repaired, name=engine)
    count, largest, refusal = 0, 0.0, ""
    names: set[str] = set()
    names_with_numbers: set[str] = set()  # outputs that are not NaN throughout
    for request in requests(original.inputs, original.vocabulary_size, _tokenizer_of(original.file)):
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in request.items())
        progress(f"comparing both on {shapes}")
        try:
            expected = before.run(_with_engine_names(before, request))
        except AlbertError as error:
            refusal = str(error)
            continue
        with _as_failed_repair(original.file):
            got = after.run(_with_engine_names(after, request))
        largest = max(largest, _compare(original.file, shapes, got, expected))
        names |= expected.keys()
        names_with_numbers |= {name for name, array in expected.items() if not _is_all_nan(array)}
        count += 1
    if not count:
        raise UnsupportedError(f"{original.file} answers no request, so a repair can't be checked: {refusal}")
    if names != names_with_numbers:
        raise UnsupportedError(
            f"{original.file} gives NaN throughout for {', '.join(sorted(names - names_with_numbers))}, so a repair "
            "can't be checked; export it again from a checkpoint whose weights are finite"
        )
    return EquivalenceReport(count, largest)


def _is_all_nan(array: np.ndarray) -> bool:
    return array.dtype.kind == "f" and array.size > 0 and bool(np.isnan(array).all())


@contextlib.contextmanager
def _as_failed_repair(original: Path) -> Iterator[None]:
    """Within the block, an error means that the repaired graph does not run."""
    try:
        yield
    except DependencyError:
        raise
    except AlbertError as error:
        raise ParityError(f"{original} can't be repaired: the repaired graph does not run ({error})") from error


def _with_engine_names(engine: Engine, request: Arrays) -> Arrays:
    """Add each array under the name that the engine gives to it: engines rename the inputs of the Task Library."""
    by_role = {role_of_name(name) or "ids": array for name, array in request.items() if array.dtype.kind == "i"}
    renamed = {name: by_role.get(role_of_name(name) or "ids") for name in engine.input_names if name not in request}
    return {**request, **{name: array for name, array in renamed.items() if array is not None}}


def _compare(original: Path, shapes: str, got: Arrays, expected: Arrays) -> float:
    differences = {name: difference(got[name], expected[name]) for name in expected}
    problems = [f"{name} differs by {value:.1e}" for name, value in differences.items() if not value <= TOLERANCE]
    if problems:
        headline = f"{original} can't be repaired: the answers would differ by more than {TOLERANCE:.0e} on {shapes}:"
        raise ParityError(listed(headline, problems))
    return max(differences.values(), default=0.0)


def difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of two arrays, as a share of the largest expected value where that is above 1.

    Infinite where shapes, dtypes or integers differ, or where one value is NaN and the other is not.
    """
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return float("inf")
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    with np.errstate(invalid="ignore"):  # equal infinities subtract to NaN, and `same` covers them
        differences = np.where(same, 0.0, np.abs(got - expected))
    finite = np.abs(expected[np.isfinite(expected)])
    largest = float(differences.max(initial=0.0))
    return float("inf") if np.isnan(largest) else largest / max(1.0, float(finite.max(initial=0.0)))


def requests(
    inputs: Sequence[InputSpec], vocabulary_size: int, tokenizer: AlbertTokenizer | None = None
) -> Iterator[Arrays]:
    """Yield inputs for a graph in every shape that it takes: real tokens, with masks and segments that fit them.

    The tokens are those of `tokenizer`, or of a demo checkpoint's, as numbers below `vocabulary_size`.
    """
    tokenizer = tokenizer or AlbertTokenizer.from_folder(demo_checkpoint("question-answering"))
    made = set()
    for rows, length in _SHAPES:
        shapes = tuple(_shape(one, rows, length) for one in inputs)
        if shapes not in made:
            made.add(shapes)
            yield {
                one.name: _values(one, shape, vocabulary_size, tokenizer)
                for one, shape in zip(inputs, shapes, strict=True)
            }


def _shape(one: InputSpec, rows: int, length: int) -> tuple[int, ...]:
    """The first axis is the batch and the last one the sequence; a dynamic axis between them (choices) gets size 2."""
    last = len(one.axes) - 1
    sizes = [rows if axis == 0 else length if axis == last else 2 for axis in range(len(one.axes))]
    return tuple(size if fixed is None else fixed for size, fixed in zip(sizes, one.axes, strict=True))


def _values(one: InputSpec, shape: tuple[int, ...], vocabulary_size: int, tokenizer: AlbertTokenizer) -> np.ndarray:
    role = one.role
    if len(shape) < 2 or (role == "other" and not one.is_integer):
        random = np.random.default_rng(len(shape))
        return random.standard_normal(shape) if not one.is_integer else np.ones(shape, np.int64)
    rows, length = int(np.prod(shape[:-1])), shape[-1]
    # the texts of a batch have different lengths, so that all but the first are padded
    lengths = np.array([max(1, length * (rows - row) // rows) for row in range(rows)])[:, None]
    place = np.arange(length)[None]
    if role == "mask":
        values = place < lengths
    elif role == "segments":
        values = (place >= lengths // 2) & (place < lengths) & ((one.table_rows or 2) > 1)
    elif role == "positions":
        values = (place + 0 * lengths) % (one.table_rows or length)
    else:
        values = np.where(place < lengths, _tokens(tokenizer, rows * length).reshape(rows, length), 0)
        values = np.where(place == lengths - 1, _SEP, np.where(place == 0, _CLS, values)) % vocabulary_size
    return values.reshape(shape).astype(np.int64 if one.is_integer else np.float32)


def _tokenizer_of(graph_file: Path) -> AlbertTokenizer | None:
    """The tokenizer beside a graph or, where the graph is in a folder `onnx`, one folder above it; None without one."""
    for folder in (graph_file.absolute().parent, graph_file.absolute().parent.parent):
        if any((folder / name).is_file() for name in _TOKENIZER_FILES):
            with contextlib.suppress(AlbertError):  # it may be one that only other tools can read
                return AlbertTokenizer.from_folder(folder)
    return None


def _tokens(tokenizer: AlbertTokenizer, count: int) -> np.ndarray:
    """Return `count` token ids of real text, which is repeated where it is too short."""
    return np.resize(np.array(tokenizer.encode(" ".join(sentences()[:40]), add_special_tokens=False)), count)
