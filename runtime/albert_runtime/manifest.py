"""The fields of a bundle's `manifest.json`, which converters write and every runtime reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from albert_runtime.errors import BundleError, UsageError, listed
from albert_runtime.packed.directory import is_file_name
from albert_runtime.precisions import precision_name
from albert_runtime.tasks import TASKS, Task

#: increased when runtimes for the previous version can no longer read the bundles
FORMAT_VERSION = 1

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "spiece.model"
#: the vocabulary of a tokenizer that splits words by WordPiece
WORDPIECE_FILE = "vocab.txt"

#: fields that are missing in bundles which earlier versions wrote in the same format
_ADDED = (
    "recipe_search", "null_threshold", "embedding", "missing_outputs", "head", "has_tokenizer", "variants", "source",
    "text_graph",
)  # fmt: skip
#: the fields that each precision of a bundle with several graphs has of its own
VARIANT_FIELDS = ("model_file", "opset", "versions", "quantized", "parity", "recipe_search", "self_test")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The description of a bundle. The constructor checks every field and reports all problems at once.

    Raises:
        BundleError: fields have the wrong type or contradict each other.
    """

    #: full name of one of `TASKS`
    task: str
    #: the name of the graph's file in the bundle
    model_file: str
    #: the most tokens in a sequence, special tokens included: the positions of the model, or fewer if the settings of
    #: the checkpoint's tokenizer, or of sentence-transformers, say so
    max_length: int
    #: the name of every file except manifest.json -> its SHA-256 in hexadecimal
    files: dict[str, str]
    #: the name of each label, in the order of the outputs; empty for tasks without labels
    labels: tuple[str, ...] = ()
    #: the precision of the weights: fp32, fp16, int8, int4 or int8-static
    precision: str = "fp32"
    #: the engine that the graph was made for, if several engines run its format
    target: str = ""
    #: how the graph masks padding, in words
    mask_policy: str = ""
    #: the opset of an ONNX graph; None for other formats
    opset: int | None = None
    #: the number of tokens, if the graph has a static length; None if the length is dynamic
    sequence_length: int | None = None
    #: For question answering: by how much the logarithm of the score of "no answer" must exceed that of the best
    #: passage before the empty answer is given. With the head "beam-search", what the logit of "no answer" must exceed,
    #: that is the logarithm of its odds. None if the model was not trained to say that there is no answer.
    null_threshold: float | None = None
    #: the name of a tool -> its version when the bundle was made
    versions: dict[str, str] = field(default_factory=dict)
    #: The repository of the Hugging Face hub and the commit that the checkpoint was fetched from. The field is in the
    #: file only then.
    source: dict[str, str] = field(default_factory=dict)
    #: what was quantized, and how
    quantized: dict[str, Any] = field(default_factory=dict)
    #: how far the graph's outputs were from the original's when it was exported
    parity: dict[str, Any] = field(default_factory=dict)
    #: the recipes that the export tried, and how many of the original's answers each of them kept
    recipe_search: dict[str, Any] = field(default_factory=dict)
    #: how feature extraction makes one vector of a text; see `EmbeddingOptions` in `postprocessing/pooling.py`. Empty
    #: for other tasks, and for checkpoints whose folder says nothing about it.
    embedding: dict[str, Any] = field(default_factory=dict)
    #: the outputs of the task that the graph lacks, because the checkpoint had no weights for them
    missing_outputs: tuple[str, ...] = ()
    #: the head of the graph, one of the task's `heads`; "" for the usual one, which is not written
    head: str = ""
    #: whether the bundle has a tokenizer's files. A bundle without them takes token ids only. The field is in the file
    #: only then, so that other bundles stay as earlier versions wrote them.
    has_tokenizer: bool = True
    #: The other precisions of a bundle with several graphs -> the fields VARIANT_FIELDS of each. All other fields hold
    #: for all graphs. The field is in the file only if there are such graphs.
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: what the bundle's second graph takes and gives, which reads texts itself by operators of onnxruntime-extensions,
    #: and on how many texts its token ids were those of the tokenizer. The field is in the file only if there is one.
    text_graph: dict[str, Any] = field(default_factory=dict)
    #: requests and the outputs that they gave; see `self_test.py`
    self_test: tuple[dict[str, Any], ...] = ()
    format_version: int = FORMAT_VERSION
    #: the fields that this version does not know, unchanged
    unknown: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = self._problems()
        if problems:
            raise BundleError(listed("the manifest of the bundle is wrong:", problems))

    @property
    def graph_task(self) -> Task:
        """The task, with the outputs that the graph has."""
        return TASKS[self.task].with_head(self.head).without(self.missing_outputs)

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions of the bundle's graphs; the first is the one that this manifest describes."""
        return (self.precision, *self.variants)

    def for_precision(self, precision: str | None) -> Manifest:
        """The manifest of one of the graphs, without the others and their files.

        Args:
            precision: one of `precisions`, or another name of one, such as "q8"; None means the first.

        Raises:
            UsageError: the bundle has no graph of this precision.
        """
        precision = None if precision is None else precision_name(precision)
        if precision not in (None, *self.precisions):
            raise UsageError(f"the bundle has no graph in {precision!r}; it has: {', '.join(self.precisions)}")
        if not self.variants:
            return self
        chosen = {} if precision in (None, self.precision) else _graph_fields(self.variants[str(precision)])
        models = {self.model_file, *(variant["model_file"] for variant in self.variants.values())}
        others = models - {chosen.get("model_file", self.model_file)}
        return replace(
            self,
            **chosen,
            precision=precision or self.precision,
            files={name: digest for name, digest in self.files.items() if name not in others},
            variants={},
        )

    @classmethod
    def from_dict(cls, record: object) -> Manifest:
        """The manifest in `record`, the parsed JSON of a manifest file.

        Raises:
            BundleError: `record` is not a manifest, is of a format version that this runtime can't read, or has wrong
                fields; the message lists them.
        """
        if not isinstance(record, dict) or "format_version" not in record:
            raise BundleError('manifest.json has no "format_version": it is not the manifest of an ALBERT bundle')
        version = record["format_version"]
        # The version is checked first, because the other fields may mean something else in another format.
        if version != FORMAT_VERSION:
            newer = _is_int(version) and version > FORMAT_VERSION
            advice = (
                "upgrade the runtime: pip install --upgrade albert-runtime"
                if newer
                else "export the model again with this version of albert-export"
            )
            raise BundleError(
                f"the bundle is of format version {version!r}, this runtime reads version {FORMAT_VERSION}; {advice}"
            )
        record = _with_current_names(record)
        known = [one.name for one in fields(cls) if one.name != "unknown"]
        missing = [f'"{name}" is missing' for name in known if name not in record and name not in _ADDED]
        if missing:
            raise BundleError(listed("the manifest of the bundle is incomplete:", missing))
        values = {name: record[name] for name in known if name in record}
        for name in ("labels", "missing_outputs", "self_test"):
            if isinstance(values.get(name), list):
                values[name] = tuple(values[name])
        return cls(**values, unknown={name: value for name, value in record.items() if name not in known})

    def to_dict(self) -> dict[str, Any]:
        """The manifest as JSON types, in the order of the fields; unknown fields come last."""
        record = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "unknown"}
        for name in ("labels", "missing_outputs", "self_test"):
            record[name] = list(record[name])
        if not self.head:
            del record["head"]
        if self.has_tokenizer:
            del record["has_tokenizer"]
        if not self.variants:
            del record["variants"]
        if not self.source:
            del record["source"]
        if not self.text_graph:
            del record["text_graph"]
        return {"format_version": record.pop("format_version"), **record, **self.unknown}

    def _problems(self) -> list[str]:
        problems = [
            f'"{name}" must be {expected}, not {getattr(self, name)!r:.80}'
            for name, (expected, fits) in _FIELD_RULES.items()
            if not fits(getattr(self, name))
        ]
        if problems:
            return problems
        if TASKS[self.task].labelled and not self.labels:
            problems.append(f'"labels" is empty, and {self.task} needs the name of each label')
        problems += [
            f'"missing_outputs" names {name!r}, which a graph for {self.task} can\'t lack'
            for name in self.missing_outputs
            if name not in TASKS[self.task].optional_outputs
        ]
        if self.head and self.head not in TASKS[self.task].heads:
            known = ", ".join(TASKS[self.task].heads) or "only the usual one"
            problems.append(
                f'"head" is {self.head!r}, which this runtime does not know; it knows for {self.task}: {known} '
                "(pip install --upgrade albert-runtime)"
            )
        if self.null_threshold is not None and self.task != "question-answering":
            problems.append(f'"null_threshold" must be null, because it does not go with {self.task}')
        for name in (self.model_file, CONFIG_FILE):
            if name not in self.files:
                problems.append(f'"files" has no hash for {name}')
        if self.has_tokenizer and not {VOCABULARY_FILE, WORDPIECE_FILE} & self.files.keys():
            problems.append(f'"files" has no hash for {VOCABULARY_FILE} (nor for {WORDPIECE_FILE})')
        return problems or [problem for name in self.variants for problem in self._variant_problems(name)]

    def _variant_problems(self, precision: str) -> list[str]:
        """What is wrong with one of the other graphs, by the rules for the first one."""
        fields_of = self.variants[precision]
        wrong = [name for name in fields_of if name not in VARIANT_FIELDS]
        problems = [f'"variants" has for {precision} the field "{name}", which holds for all graphs' for name in wrong]
        if precision == self.precision or "model_file" not in fields_of:
            problems.append(f'"variants" has for {precision} no other graph, "model_file"')
        if problems:
            return problems
        try:
            replace(self, **_graph_fields(fields_of), precision=precision, variants={})
        except BundleError as error:
            return [f'"variants", {precision}: {line}' for line in str(error).splitlines()[1:]]
        return []


def _graph_fields(variant: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a variant, with the types that they have in a manifest."""
    tests = variant.get("self_test", ())
    return {**variant, "self_test": tuple(tests) if isinstance(tests, list) else tests}


def _with_current_names(record: dict[str, Any]) -> dict[str, Any]:
    """`record` with today's name and keys of the recipe search, which earlier versions called `fidelity`."""
    if "fidelity" not in record or "recipe_search" in record:
        return record
    record = dict(record)
    search = record.pop("fidelity")
    if isinstance(search, dict) and isinstance(search.get("ladder"), list):
        search = dict(search)
        search["trials"] = [_trial_with_current_keys(trial) for trial in search.pop("ladder")]
    return {**record, "recipe_search": search}


def _trial_with_current_keys(trial: object) -> object:
    if not isinstance(trial, dict):
        return trial
    return {"violations" if key == "objections" else key: value for key, value in trial.items()}


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_length(value: object) -> bool:
    # [CLS], [SEP] and one token of the text
    return _is_int(value) and value >= 3  # type: ignore[operator]


def _is_hash_table(value: object) -> bool:
    return isinstance(value, dict) and all(
        is_file_name(name) and isinstance(digest, str) and len(digest) == 64 for name, digest in value.items()
    )


def _is_strings(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) for one in value)


def _is_table_of_tables(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, dict) for one in value.values())


def _is_table_of_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_records(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, dict) for one in value)


#: field -> what its value must be, in words, and the function that checks it
_FIELD_RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "task": (f"one of {', '.join(TASKS)}", lambda value: isinstance(value, str) and value in TASKS),
    "model_file": ("the name of a file in the bundle", is_file_name),
    "max_length": ("a number of tokens, 3 or more", _is_length),
    "files": ("a table of file names in the bundle and their SHA-256", _is_hash_table),
    "labels": ("a list of strings", _is_strings),
    "precision": ("a string", lambda value: isinstance(value, str)),
    "target": ("a string", lambda value: isinstance(value, str)),
    "mask_policy": ("a string", lambda value: isinstance(value, str)),
    "opset": ("a whole number or null", lambda value: value is None or _is_int(value)),
    "sequence_length": ("a number of tokens, 3 or more, or null", lambda value: value is None or _is_length(value)),
    "null_threshold": ("a finite number or null", lambda value: value is None or _is_finite(value)),
    "versions": ("a table of tools and their versions", _is_table_of_strings),
    "source": ("a table of a repository and a commit", _is_table_of_strings),
    "quantized": ("a table", lambda value: isinstance(value, dict)),
    "parity": ("a table", lambda value: isinstance(value, dict)),
    "recipe_search": ("a table", lambda value: isinstance(value, dict)),
    "embedding": ("a table", lambda value: isinstance(value, dict)),
    "missing_outputs": ("a list of strings", _is_strings),
    "head": ("a string", lambda value: isinstance(value, str)),
    "has_tokenizer": ("true or false", lambda value: isinstance(value, bool)),
    "variants": ("a table of precisions and the fields of their graphs", _is_table_of_tables),
    "text_graph": ("a table", lambda value: isinstance(value, dict)),
    "self_test": ("a list of test vectors", _is_records),
}
