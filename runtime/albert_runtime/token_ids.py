"""Requests of token ids: checks them, pads them and runs them. A bundle without a tokenizer takes no others."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from albert_runtime.bundle import Bundle
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError, listed
from albert_runtime.packed.path import BundlePath
from albert_runtime.tasks import CHOICES, INPUT_NAMES, SEQUENCE

if TYPE_CHECKING:
    from albert_runtime.tokenization.tokenizer import AlbertTokenizer

_NUMBER = re.compile(r"-?[0-9]{1,18}")
#: the first line of a message about wrong ids
IDS_REFUSED = "the token ids can't be used:"
#: problems that a message lists; more of them would hide the first
_MOST_PROBLEMS = 20
#: ids that a problem names
_MOST_NAMED = 8


@dataclass(frozen=True)
class _Row:
    """One sequence, whose three lists have the same length."""

    ids: list[int]
    mask: list[int]
    types: list[int]


class IdRequest:
    """Sequences of token ids that have been checked against a bundle; `AlbertSession.run_ids` has the arguments.

    Raises:
        UsageError: an id is no whole number or not in the vocabulary, a sequence is empty or too long, or the arguments
            don't fit each other; the message lists all problems.
    """

    def __init__(self, bundle: Bundle, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> None:
        self._bundle = bundle
        self._choices = CHOICES in bundle.task.input_axes
        #: a list of sequences for each element of the batch; more than one sequence are choices
        self._examples = self._checked(input_ids, token_type_ids, attention_mask)
        #: the tokens of the longest sequence
        self.longest = max(len(row.ids) for example in self._examples for row in example)

    def arrays(self) -> Arrays:
        """The inputs of the graph by name, int64, with the axes of `albert_runtime.tasks`."""
        return self._padded(self._examples)

    def arrays_one_by_one(self) -> list[Arrays]:
        """The inputs for each element of the batch by itself."""
        return [self._padded([example]) for example in self._examples]

    def _padded(self, examples: Sequence[Sequence[_Row]]) -> Arrays:
        rows = [row for example in examples for row in example]
        length = self._bundle.manifest.sequence_length or max(len(row.ids) for row in rows)
        arrays = {name: np.zeros((len(rows), length), np.int64) for name in INPUT_NAMES}
        arrays["input_ids"][:] = padding_id(self._bundle.config)
        for index, row in enumerate(rows):
            for name, values in zip(INPUT_NAMES, (row.ids, row.mask, row.types), strict=True):
                arrays[name][index, : len(values)] = values
        if self._choices:
            return {name: array.reshape(len(examples), -1, length) for name, array in arrays.items()}
        return arrays

    def _checked(self, input_ids: Any, token_type_ids: Any, attention_mask: Any) -> list[list[_Row]]:
        problems: list[str] = []
        examples = _nested("input_ids", input_ids, self._choices, problems)
        shape = [len(example) for example in examples]
        others = []
        for name, given in (("token_type_ids", token_type_ids), ("attention_mask", attention_mask)):
            nested = None if given is None else _nested(name, given, self._choices, problems)
            if nested is not None and not problems and [len(one) for one in nested] != shape:
                problems.append(f"{name} must have as many sequences as input_ids")
            others.append(None if nested is None else [row for one in nested for row in one])
        if len(set(shape)) > 1:
            counts = ", ".join(map(str, shape))
            problems.append(f"the examples have different numbers of choices: {counts}; give each the same number")
        refuse_ids(problems)
        rows = [row for example in examples for row in example]
        made = []
        for index, row in enumerate(rows):
            types, mask = (None if one is None else one[index] for one in others)
            found = self._row_problems(row, types, mask)
            name = f"sequence {index + 1}: " if len(rows) > 1 else ""
            problems += [f"{name}{problem}" for problem in found]
            made.append(_Row(row, mask or [1] * len(row), types or [0] * len(row)))
        refuse_ids(problems)
        places = iter(made)
        return [[next(places) for _ in example] for example in examples]

    def _row_problems(self, ids: list[Any], types: list[Any] | None, mask: list[Any] | None) -> list[str]:
        config, limit = self._bundle.config, self._bundle.max_length
        if not ids:
            return ["there are no ids"]
        problems = _value_problems("ids", ids, config.get("vocab_size"), "the vocabulary's ids go")
        if len(ids) > limit:
            problems.append(f"there are {len(ids)} ids, and the model takes {limit}")
        for name, values, count in (
            ("token_type_ids", types, config.get("type_vocab_size", 2)),
            ("attention_mask", mask, 2),
        ):
            if values is None:
                continue
            if len(values) != len(ids):
                problems.append(f"{name} and input_ids have different lengths: {len(values)} and {len(ids)}")
            problems += _value_problems(f"{name}:", values, count, "its values go")
        if mask is not None and not any(mask):
            problems.append("attention_mask is 0 for every token; at least one must count")
        return problems


class TokenIdMixin:
    """The part of `AlbertSession` that takes token ids in place of texts. Every bundle's session has it."""

    bundle: Bundle

    @abstractmethod
    def run(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs of the graph; see `AlbertSession.run`."""

    def run_ids(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> Arrays:
        """The outputs of the graph for token ids, which are taken as they are: no [CLS] or [SEP] is added.

        Args:
            input_ids: one sequence of ids, or several of any lengths, as lists, tuples or arrays of whole numbers. For
                multiple choice, several sequences are the choices of one example; a list of such lists is a batch,
                whose examples all have the same number of choices.
            token_type_ids: the segment of each token, in the same form; None for 0 everywhere.
            attention_mask: 1 for each token that counts and 0 for padding, in the same form; None if all count.

        Returns:
            Output name -> float32 array with the axes of `albert_runtime.tasks`. The first axis is the batch, also for
            a single sequence. Shorter sequences are padded: what stands behind their end is to be ignored.

        Raises:
            UsageError: an id is no whole number or not in the vocabulary, a sequence is empty or too long, or the
                arguments don't fit each other; the message lists all problems.
        """
        request = IdRequest(self.bundle, input_ids, token_type_ids, attention_mask)
        if self.bundle.manifest.sequence_length is None:
            return self.run(request.arrays())
        # Graphs of a static length have a static batch too.
        answers = [self.run(arrays) for arrays in request.arrays_one_by_one()]
        axes = self.bundle.task.outputs
        joined = {name: np.concatenate([answer[name] for answer in answers]) for name in axes}
        return {
            name: array[:, : request.longest] if SEQUENCE in axes[name] else array for name, array in joined.items()
        }

    def id_arrays(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> Arrays:
        """The inputs that `run_ids` gives to the engine, int64; the arguments, and what is raised, are the same."""
        return IdRequest(self.bundle, input_ids, token_type_ids, attention_mask).arrays()


def parse_ids(text: str) -> tuple[list[int | str], list[int] | None]:
    """The ids in `text`, see `parse_numbers`, and their segments if tabs separate several of them."""
    parts = [parse_numbers(part) for part in text.strip(" \r\n").split("\t")]
    types = [segment for segment, part in enumerate(parts) for _ in part]
    return [one for part in parts for one in part], types if len(parts) > 1 else None


def parse_numbers(text: str) -> list[int | str]:
    """The whole numbers in `text`, between spaces or commas. What is no number stays text, for `IdRequest` to name."""
    return [int(word) if _NUMBER.fullmatch(word) else word for word in text.replace(",", " ").split()]


def refuse_ids(problems: Sequence[str]) -> None:
    """Raises a UsageError that lists the problems, if there are any."""
    if problems:
        raise UsageError(listed(IDS_REFUSED, first_problems(problems)))


def first_problems(problems: Sequence[str]) -> list[str]:
    """The first problems, and how many more there are."""
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]


def padding_id(config: Mapping[str, Any]) -> int:
    """The id that fills sequences up: config.json's `pad_token_id`, or 0. The attention mask hides it in any case."""
    pad = config.get("pad_token_id")
    return pad if isinstance(pad, int) and not isinstance(pad, bool) and pad >= 0 else 0


def _nested(name: str, value: Any, choices: bool, problems: list[str]) -> list[list[list[Any]]]:
    """`value` as a list of examples, each of which is a list of sequences; wrong nesting is added to `problems`."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    depth = _depth(value)
    if depth == 1:
        return [[list(value)]]
    if depth == 2:
        rows = [list(row) for row in value]
        return [rows] if choices else [[row] for row in rows]
    if depth == 3 and choices:
        return [[list(row) for row in example] for example in value]
    deepest = "or lists of these, one for each example" if choices else "or a list of such lists"
    found = f"{value!r:.60}" if depth is None or depth == 0 else f"lists that are nested {depth} deep"
    problems.append(f"{name} must be a list of ids, like [2, 14, 3], {deepest}, not {found}")
    return []


def _depth(value: Any) -> int | None:
    """How deep lists are nested in `value`, 0 for what is no list; None if lists stand beside what is none."""
    if not isinstance(value, (list, tuple, range, np.ndarray)):
        return 0
    depths = {_depth(one) for one in value}
    if len(depths) > 1 or None in depths:
        return None
    return 1 + cast(int, depths.pop() if depths else 0)


def _value_problems(name: str, values: Sequence[Any], count: Any, range_of: str) -> list[str]:
    """What is wrong with the numbers; they must be whole and below `count`, if that is known."""
    no_numbers = [repr(one) for one in values if isinstance(one, bool) or not isinstance(one, (int, np.integer))]
    problems = [f"{name} {_first(no_numbers)}: not a whole number"] if no_numbers else []
    if not isinstance(count, int):
        count = np.iinfo(np.int64).max
    numbers = [one for one in values if isinstance(one, (int, np.integer)) and not isinstance(one, bool)]
    outside = [str(one) for one in numbers if not 0 <= one < count]
    if outside:
        problems.append(f"{name} {_first(outside)}: {range_of} from 0 to {count - 1}")
    return problems


def _first(values: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(values))
    more = f" and {len(distinct) - _MOST_NAMED} more" if len(distinct) > _MOST_NAMED else ""
    return ", ".join(distinct[:_MOST_NAMED]) + more


class AbsentTokenizer:
    """What stands in place of the tokenizer in the session of a bundle without one. It is false, like None.

    Args:
        folder: the folder of the bundle, which the error names.
    """

    def __init__(self, folder: BundlePath) -> None:
        self._folder = folder

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<no tokenizer in {self._folder}>"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UsageError(no_tokenizer_message(self._folder))

    def __len__(self) -> int:
        return 0

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # copying, pickling and inspecting ask for names that need not be there
            raise AttributeError(name)
        raise UsageError(no_tokenizer_message(self._folder))


def absent_tokenizer(folder: BundlePath) -> AlbertTokenizer:
    """The stand-in for the tokenizer of the bundle in `folder`; whatever is asked of it raises a UsageError."""
    return cast("AlbertTokenizer", AbsentTokenizer(folder))


def no_tokenizer_message(folder: BundlePath) -> str:
    """That the bundle in `folder` takes no text, and what to type instead."""
    return (
        f"the bundle {folder} has no tokenizer, since it was exported with --no-tokenizer: it takes token ids and "
        "no text. Give the ids of your own tokenizer: session.run_ids([2, 14, 3]), or session.run({'input_ids': ..., "
        "'attention_mask': ..., 'token_type_ids': ...}); in a shell: "
        f'python -m albert_runtime {folder} --ids "2 14 3"'
    )
