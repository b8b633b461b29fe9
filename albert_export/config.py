"""AlbertConfig: what an ALBERT is made of. Reads and writes the files that Hugging Face and Google use."""

from __future__ import annotations

import json
from dataclasses import InitVar, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_export.config_check import FLAGS, config_problems, is_int
from albert_export.sizes import PUBLISHED
from albert_export.utils.atomic_file import replacing
from albert_runtime.errors import CheckpointError, UsageError, listed

CONFIG_FILE = "config.json"
GOOGLE_CONFIG_FILE = "albert_config.json"

# Written only when they differ from the defaults, as Hugging Face does.
_WRITTEN_WHEN_SET = (*FLAGS, "pruned_heads", "architectures", "problem_type")
_LABEL_FIELDS = {"id2label", "label2id", "num_labels", "_num_labels"}


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

    `AlbertConfig(num_labels=3)` is short for the labels LABEL_0 to LABEL_2. Nothing is checked here: `validate()` does
    that, and everything that reads a file calls it.
    """

    vocab_size: int = 30000
    embedding_size: int = 128
    hidden_size: int = 4096
    num_hidden_layers: int = 12
    #: sets of layer weights; layer i uses group int(i / (num_hidden_layers / num_hidden_groups))
    num_hidden_groups: int = 1
    num_attention_heads: int = 64
    intermediate_size: int = 16384
    #: layers that run one after the other wherever their group stands
    inner_group_num: int = 1
    #: one of config_check.ACTIVATIONS
    hidden_act: str = "gelu_new"
    hidden_dropout_prob: float = 0
    attention_probs_dropout_prob: float = 0
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    #: standard deviation of freshly made weights
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout_prob: float = 0.1
    #: only "absolute" is supported
    position_embedding_type: str = "absolute"
    pad_token_id: int | None = 0
    bos_token_id: int | None = 2
    eos_token_id: int | None = 3

    #: what a call gives when it does not say
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    #: whether the masked-language-model decoder is the word embedding
    tie_word_embeddings: bool = True
    #: only "none" is supported
    pruned_heads: dict[str, Any] = field(default_factory=dict)

    #: class names; the first one says which head the checkpoint was saved with
    architectures: list[str] | None = None
    #: one of config_check.PROBLEM_TYPES; None lets the labels' type decide
    problem_type: str | None = None
    id2label: dict[int, str] = field(default_factory=dict)
    label2id: dict[str, int] = field(default_factory=dict)
    if TYPE_CHECKING:
        #: how many labels there are; setting another number replaces them by LABEL_0, LABEL_1, ...
        num_labels: int = 2
    else:
        # An argument of the constructor, and a property ever after.
        num_labels: InitVar[int | None] = property(_count_labels, _recount_labels)
    #: fields of the file that are unknown here, written back as they were
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self, num_labels: int | property | None = None) -> None:  # noqa: RUF033
        # Without an argument, dataclasses hands over the class attribute, which is the property.
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
        """Whether the labels are the LABEL_0 and LABEL_1 that stand for "nobody said"."""
        return self.id2label == _placeholders(2)

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
        """Reads `config.json` (Hugging Face) or `albert_config.json` (Google) in `folder`.

        Raises:
            CheckpointError: there is neither, it can't be read, or it does not describe a supported ALBERT.
        """
        hugging_face, google = Path(folder, CONFIG_FILE), Path(folder, GOOGLE_CONFIG_FILE)
        if hugging_face.is_file():
            return cls.from_dict(read_json_object(hugging_face), source=str(hugging_face))
        if google.is_file():
            return cls.from_google_dict(read_json_object(google), source=str(google))
        raise CheckpointError(f"{folder} has no {CONFIG_FILE} (nor Google's {GOOGLE_CONFIG_FILE})")

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, source: str = "the configuration") -> AlbertConfig:
        """The configuration in Hugging Face's fields; unknown ones go to `extra`. `source` is named in messages.

        Raises:
            CheckpointError: it is not an ALBERT's, or `validate` finds problems.
        """
        _check_is_albert(values, source)
        labels, problems = _read_labels(values)
        known = {f.name for f in fields(cls)}
        given = {name: value for name, value in values.items() if name in known - {"extra"} - _LABEL_FIELDS}
        # Hugging Face reads null as "the default" in these two.
        if given.get("pruned_heads", ...) is None:
            del given["pruned_heads"]
        if given.get("classifier_dropout_prob", ...) is None:
            given["classifier_dropout_prob"] = given.get("hidden_dropout_prob", cls.hidden_dropout_prob)
        unknown = values.keys() - (known - {"extra"}) - _LABEL_FIELDS - {"model_type"}
        config = cls(**given, **labels, extra={name: value for name, value in values.items() if name in unknown})
        config._raise_problems([*problems, *config_problems(config)], source)
        return config

    @classmethod
    def from_google_dict(cls, values: dict[str, Any], *, source: str = "the configuration") -> AlbertConfig:
        """The configuration in the fields of Google's `albert_config.json`.

        Google's "gelu" is the tanh approximation (`gelu` in google-research/albert modeling.py), which Hugging Face
        calls "gelu_new". Fields of Google's that change nothing (`net_structure_type`, `gap_size`, ...) go to `extra`.

        Raises:
            CheckpointError: as for `from_dict`.
        """
        renamed = dict(values)
        if renamed.get("hidden_act", "gelu") == "gelu":
            renamed["hidden_act"] = "gelu_new"
        return cls.from_dict(renamed, source=source)

    def to_dict(self) -> dict[str, Any]:
        """What `config.json` holds: transformers reads it back to an equal AlbertConfig."""
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
        """Writes `config.json` into `folder`, whole or not at all.

        Raises:
            UsageError: the folder can't be written to.
        """
        text = json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"
        with replacing(Path(folder, CONFIG_FILE)) as part:
            part.write_bytes(text.encode("ascii"))

    def validate(self) -> None:
        """Checks that this is an ALBERT that the reference models can build.

        Raises:
            CheckpointError: it is not; the message lists every problem.
        """
        self._raise_problems(config_problems(self), "the configuration")

    def _raise_problems(self, problems: list[str], source: str) -> None:
        if problems:
            raise CheckpointError(listed(f"{source} does not describe an ALBERT that can be used:", problems))


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in the JSON file at `path`.

    Raises:
        CheckpointError: it can't be read, is not JSON in UTF-8, or is JSON but not an object.
    """
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not JSON in UTF-8 ({error}); it may be damaged: fetch it again") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} must hold a JSON object, and holds a {type(value).__name__}")
    return value


def _check_is_albert(values: dict[str, Any], source: str) -> None:
    """Refuses other models' configurations. Google's files name no model, so ALBERT's own fields vouch for them."""
    kind = values.get("model_type")
    if kind is None:
        architectures = values.get("architectures")
        named = architectures[0] if isinstance(architectures, list) and architectures else None
        if str(named or "").startswith("Albert") or {"embedding_size", "num_hidden_groups"} & values.keys():
            return
        found = f"names {named}" if named else "names no model"
    elif kind == "albert":
        return
    else:
        found = f"is a {str(kind).upper()} checkpoint's"
    raise CheckpointError(f'{source} {found}: only ALBERT is supported (model_type "albert")')


def _read_labels(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The label arguments of AlbertConfig in a file's `values`, and what is wrong with those that are left out."""
    labels = {name: values[name] for name in ("id2label", "label2id") if values.get(name) is not None}
    # Old files carry a count beside, or instead of, the labels.
    count = values.get("num_labels", values.get("_num_labels"))
    problems = [
        f"{name} must be an object, not {kept!r}" for name, kept in labels.items() if not isinstance(kept, dict)
    ]
    labels = {name: kept for name, kept in labels.items() if isinstance(kept, dict)}
    if not all(is_int(i) for i in labels.get("label2id", {}).values()):
        problems.append(f"label2id must give whole numbers, not {labels.pop('label2id')!r}")
    if "id2label" in labels:
        # JSON's keys are text. Some tools write numbers for names.
        labels["id2label"] = {_as_id(key): str(label) for key, label in labels["id2label"].items()}
    if count is None:
        return labels, problems
    named = labels.get("id2label") or labels.get("label2id")
    if not is_int(count) or count < 1:
        problems.append(f"num_labels must be a positive whole number, not {count!r}")
    elif named and count != len(named):
        problems.append(
            f"num_labels is {count}, but {len(named)} labels are named: {', '.join(map(str, named.values()))}"
        )
    else:
        labels["num_labels"] = count
    return labels, problems


def _as_id(key: Any) -> Any:
    """What is no number stays as it is, for `validate` to name."""
    try:
        return int(key)
    except ValueError:
        return key
