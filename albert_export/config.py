"""AlbertConfig: the sizes and settings of an ALBERT. Reads and writes the files that Hugging Face and Google use."""

from __future__ import annotations

import json
import math
from dataclasses import InitVar, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from albert_export.config_file import check_is_albert, is_int, read_json_object, read_labels, without_trifles
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import CheckpointError, UsageError, listed

CONFIG_FILE = "config.json"
GOOGLE_CONFIG_FILE = "albert_config.json"

#: the activations that the reference models support, by their Hugging Face names
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish", "tanh")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

_SIZES = (
    "vocab_size",
    "embedding_size",
    "hidden_size",
    "num_hidden_layers",
    "num_hidden_groups",
    "num_attention_heads",
    "intermediate_size",
    "inner_group_num",
    "max_position_embeddings",
    "type_vocab_size",
)
_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob")
_FLAGS = ("output_attentions", "output_hidden_states", "return_dict", "tie_word_embeddings")
# Hugging Face writes these fields only when they differ from the defaults, and so does `to_dict`.
_WRITTEN_WHEN_SET = (*_FLAGS, "pruned_heads", "architectures", "problem_type")
_LABEL_FIELDS = {"id2label", "label2id", "num_labels", "_num_labels"}

_SHAPES: dict[str, dict[str, Any]] = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096},
    "xlarge": {"hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 8192},
    "xxlarge": {"hidden_size": 4096, "num_hidden_layers": 12, "num_attention_heads": 64, "intermediate_size": 16384},
}


def _first_release(size: str) -> dict[str, Any]:
    dropout = 0.0 if size == "xxlarge" else 0.1
    return {"hidden_act": "gelu", "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}


#: name of a published checkpoint -> the arguments of AlbertConfig that differ from the defaults
#:
#: Sources: table 1 of Lan et al. 2020, "ALBERT: A Lite BERT" (arXiv 1909.11942) for the sizes, and the configurations
#: published with the checkpoints for activation and dropout. The first release has dropout 0.1, except for xxlarge,
#: which has none; the second release has none at all. Both releases were trained with the tanh form of GELU. The hub's
#: configurations of the first release say `gelu` all the same, and people have fine-tuned with that since.
PUBLISHED: dict[str, dict[str, Any]] = {
    **{f"albert-{size}-v1": {**shape, **_first_release(size)} for size, shape in _SHAPES.items()},
    **{f"albert-{size}-v2": {**shape, "hidden_act": "gelu_new"} for size, shape in _SHAPES.items()},
}


def _placeholders(count: int) -> dict[int, str]:
    return {i: f"LABEL_{i}" for i in range(count)}


def _count_labels(config: AlbertConfig) -> int:
    return len(config.id2label)


def _recount_labels(config: AlbertConfig, count: int) -> None:
    if count != len(config.id2label):
        config.id2label = _placeholders(count)
        config.label2id = {label: i for i, label in config.id2label.items()}


@dataclass(kw_only=True)
class AlbertConfig:
    """The sizes and settings of one ALBERT; the defaults are those of transformers' AlbertConfig (xxlarge-shaped).

    `AlbertConfig(num_labels=3)` is short for the labels LABEL_0 to LABEL_2. The constructor compares
    the number of labels with their names; `validate()` checks the rest, and every function that reads a file calls it.
    """

    vocab_size: int = 30000
    embedding_size: int = 128
    hidden_size: int = 4096
    num_hidden_layers: int = 12
    #: number of sets of layer weights; layer i uses group int(i / (num_hidden_layers / num_hidden_groups))
    num_hidden_groups: int = 1
    num_attention_heads: int = 64
    intermediate_size: int = 16384
    #: layers in each group, which always run one after the other
    inner_group_num: int = 1
    #: one of ACTIVATIONS
    hidden_act: str = "gelu_new"
    hidden_dropout_prob: float = 0
    attention_probs_dropout_prob: float = 0
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    #: standard deviation of new random weights
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout_prob: float = 0.1
    #: only "absolute" is supported
    position_embedding_type: str = "absolute"
    pad_token_id: int | None = 0
    #: ALBERT does not look at these two; a file may give several ids
    bos_token_id: int | list[int] | None = 2
    eos_token_id: int | list[int] | None = 3

    #: what a call of a model returns when the call does not say
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    #: whether the decoder of the masked language model uses the word embeddings as its weight
    tie_word_embeddings: bool = True
    #: only "none" is supported
    pruned_heads: dict[str, Any] = field(default_factory=dict)

    #: class names; the first one names the head that the checkpoint was saved with
    architectures: list[str] | None = None
    #: one of PROBLEM_TYPES; None lets the data type of the labels decide
    problem_type: str | None = None
    id2label: dict[int, str] = field(default_factory=dict)
    label2id: dict[str, int] = field(default_factory=dict)
    if TYPE_CHECKING:
        #: the number of labels; setting another number replaces the labels by LABEL_0, LABEL_1, ...
        num_labels: int = 2
    else:
        # It is an argument of the constructor, and a property of the object.
        num_labels: InitVar[int | None] = property(_count_labels, _recount_labels)
    #: fields of the file that this class does not know; they are written back as they were
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self, num_labels: int | property | None = None) -> None:  # noqa: RUF033
        # Without an argument, dataclasses passes the class attribute, which is the property.
        count = None if isinstance(num_labels, property) else num_labels
        if not self.id2label:
            named = {i: label for label, i in self.label2id.items()}
            self.id2label = named or _placeholders(2 if count is None else count)
        if count is not None and count != len(self.id2label):
            raise UsageError(
                f"num_labels={count}, but id2label names {len(self.id2label)} labels "
                f"({', '.join(map(str, self.id2label.values()))}); give one of the two"
            )
        if not self.label2id:
            self.label2id = {label: i for i, label in self.id2label.items()}

    @property
    def has_default_labels(self) -> bool:
        """Whether the labels are LABEL_0 and LABEL_1, which a configuration has when nobody named any."""
        return self.id2label == _placeholders(2)

    def adopt_label_count(self, count: int) -> None:
        """Takes the number of labels that a classifier has, if no label is named, or if `num_labels` said the same
        beside fewer names: then the others are called LABEL_2 and so on.
        """
        stated = self.extra.pop("num_labels", None)
        if self.has_default_labels:
            self.num_labels = count
        elif stated == count > len(self.id2label):
            self.id2label = {**_placeholders(count), **self.id2label}
            self.label2id = {label: i for i, label in self.id2label.items()}

    @classmethod
    def from_name(cls, name: str) -> AlbertConfig:
        """The configuration of the published checkpoint `name`, such as `albert-base-v2`.

        Raises:
            UsageError: there is no such name; the message lists all of them.
        """
        if name not in PUBLISHED:
            raise UsageError(f"unknown ALBERT {name!r}; the published ones are: {', '.join(PUBLISHED)}")
        return cls(**PUBLISHED[name])

    @classmethod
    def from_folder(cls, folder: str | Path) -> AlbertConfig:
        """The configuration in `config.json` (Hugging Face) or `albert_config.json` (Google) in `folder`.

        Raises:
            CheckpointError: there is no such file, it can't be read, or it does not describe a supported ALBERT.
        """
        hugging_face, google = Path(folder, CONFIG_FILE), Path(folder, GOOGLE_CONFIG_FILE)
        if hugging_face.is_file():
            return cls.from_dict(read_json_object(hugging_face), source=str(hugging_face))
        if google.is_file():
            return cls.from_google_dict(read_json_object(google), source=str(google))
        raise CheckpointError(f"{folder} has no {CONFIG_FILE} (nor Google's {GOOGLE_CONFIG_FILE})")

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, source: str = "the configuration") -> AlbertConfig:
        """The configuration that Hugging Face's fields describe; unknown fields go to `extra`.

        Args:
            values: the fields, as `config.json` has them.
            source: what error messages call the place that the values come from.

        Raises:
            CheckpointError: this is another model's configuration, or there are problems as in `validate`.
        """
        check_is_albert(values, source)
        labels, stated, problems = read_labels(values)
        known = {f.name for f in fields(cls)}
        given = {name: value for name, value in values.items() if name in known - {"extra"} - _LABEL_FIELDS}
        given = without_trifles(given, asdict(cls()), source)
        unknown = values.keys() - (known - {"extra"}) - _LABEL_FIELDS - {"model_type"}
        extra = {name: value for name, value in values.items() if name in unknown}
        extra |= {} if stated is None else {"num_labels": stated}  # the classifier will show which of the two is right
        config = cls(**given, **labels, extra=extra)
        config._raise_problems([*problems, *config._problems()], source)
        return config

    @classmethod
    def from_google_dict(cls, values: dict[str, Any], *, source: str = "the configuration") -> AlbertConfig:
        """The configuration that the fields of Google's `albert_config.json` describe.

        Google's "gelu" is the tanh approximation (`gelu` in google-research/albert modeling.py), which Hugging Face
        calls "gelu_new". Google's fields that change nothing (`net_structure_type`, `gap_size`, ...) go to `extra`.

        Raises:
            CheckpointError: as for `from_dict`.
        """
        renamed = dict(values)
        if renamed.get("hidden_act", "gelu") == "gelu":
            renamed["hidden_act"] = "gelu_new"
        return cls.from_dict(renamed, source=source)

    def to_dict(self) -> dict[str, Any]:
        """The content of `config.json`, which transformers reads back as an equal AlbertConfig."""
        defaults = AlbertConfig()
        written = dict(self.extra)
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("extra", "id2label", "label2id"):
                continue
            if f.name not in _WRITTEN_WHEN_SET or value != getattr(defaults, f.name):
                written[f.name] = value
        if not self.has_default_labels:
            written["id2label"] = {str(i): label for i, label in self.id2label.items()}
            written["label2id"] = dict(self.label2id)
        written["model_type"] = "albert"
        return written

    def save(self, folder: str | Path) -> None:
        """Writes `config.json` into `folder`, either completely or not at all.

        Raises:
            UsageError: the folder can't be written to.
        """
        text = json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"
        with replacing(Path(folder, CONFIG_FILE)) as part:
            part.write_bytes(text.encode("ascii"))

    def validate(self) -> None:
        """Checks that the reference models can build this ALBERT.

        Raises:
            CheckpointError: they can't; the message lists every problem.
        """
        self._raise_problems(self._problems(), "the configuration")

    def _problems(self) -> list[str]:
        """Everything that keeps the reference models from building this configuration."""
        problems = [
            f"{name} must be a positive whole number, not {value!r}"
            for name, value in ((name, getattr(self, name)) for name in _SIZES)
            if not (is_int(value) and value > 0)
        ]
        if not problems:
            problems += _size_problems(self)
        problems += [
            f"{name} must be a number from 0 up to, but not including, 1, not {value!r}"
            for name, value in ((name, getattr(self, name)) for name in _DROPOUTS)
            if not (_is_number(value) and 0 <= value < 1)
        ]
        if not (_is_number(self.layer_norm_eps) and self.layer_norm_eps > 0):
            problems.append(f"layer_norm_eps must be a number above 0, not {self.layer_norm_eps!r}")
        if not (_is_number(self.initializer_range) and self.initializer_range >= 0):
            problems.append(f"initializer_range must be a number, 0 or above, not {self.initializer_range!r}")
        problems += [
            f"{name} must be true or false, not {value!r}"
            for name, value in ((name, getattr(self, name)) for name in _FLAGS)
            if not isinstance(value, bool)
        ]
        return problems + _token_problems(self) + _kind_problems(self) + _label_problems(self)

    def _raise_problems(self, problems: list[str], source: str) -> None:
        if problems:
            raise CheckpointError(listed(f"{source} does not describe an ALBERT that can be used:", problems))


def _size_problems(config: AlbertConfig) -> list[str]:
    problems = []
    if config.hidden_size % config.num_attention_heads:
        problems.append(
            f"hidden_size {config.hidden_size} is not a multiple of num_attention_heads {config.num_attention_heads}"
        )
    if config.num_hidden_groups > config.num_hidden_layers:
        problems.append(
            f"num_hidden_groups {config.num_hidden_groups} is more than num_hidden_layers {config.num_hidden_layers}"
        )
    return problems


def _token_problems(config: AlbertConfig) -> list[str]:
    # Only ids that ALBERT does not look at may be several.
    ids = [("pad_token_id", config.pad_token_id)]
    for name in ("bos_token_id", "eos_token_id"):
        value = getattr(config, name)
        ids += [(name, one) for one in (value if isinstance(value, list) else [value])]
    wrong = [(name, value) for name, value in ids if not (value is None or (is_int(value) and value >= 0))]
    problems = [f"{name} must be a token id or null, not {value!r}" for name, value in wrong]
    if is_int(config.pad_token_id) and is_int(config.vocab_size) and config.pad_token_id >= config.vocab_size:
        problems.append(f"pad_token_id {config.pad_token_id} is not below vocab_size {config.vocab_size}")
    return problems


def _kind_problems(config: AlbertConfig) -> list[str]:
    problems = []
    if config.hidden_act not in ACTIVATIONS:
        problems.append(f"hidden_act {config.hidden_act!r} is not supported; supported are {', '.join(ACTIVATIONS)}")
    if config.position_embedding_type != "absolute":
        problems.append(
            f"position_embedding_type {config.position_embedding_type!r} is not supported; supported is absolute"
        )
    if config.pruned_heads:
        problems.append(f"pruned_heads {config.pruned_heads!r}: pruned attention heads are not supported")
    names = config.architectures
    if not (names is None or (isinstance(names, list) and all(isinstance(name, str) for name in names))):
        problems.append(f"architectures must be a list of class names or null, not {names!r}")
    if config.problem_type is not None and config.problem_type not in PROBLEM_TYPES:
        known = ", ".join(PROBLEM_TYPES)
        problems.append(f"problem_type must be null or one of {known}, not {config.problem_type!r}")
    return problems


def _label_problems(config: AlbertConfig) -> list[str]:
    if not config.id2label or set(config.id2label) != set(range(len(config.id2label))):
        ids = ", ".join(map(str, config.id2label)) or "none"
        return [f"id2label must name the ids 0, 1, 2, ... without a gap, not {ids}"]
    if not all(is_int(i) for i in config.label2id.values()):
        return [f"label2id must give whole numbers, not {config.label2id!r}"]
    return []


def _is_number(value: object) -> TypeGuard[int | float]:
    return is_int(value) or (isinstance(value, float) and math.isfinite(value))
