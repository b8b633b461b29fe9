"""Reads the files of a sentence-transformers folder: they say how its model makes one vector of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_export.config_file import is_int, read_json, read_json_object
from albert_runtime.errors import CheckpointError, UnsupportedError, listed
from albert_runtime.postprocessing.pooling import SIMILARITIES, EmbeddingOptions

MODULES_FILE = "modules.json"
#: the settings of the Transformer module; the first of these files that exists is read
_TRANSFORMER_FILES = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
_MODEL_FILE = "config_sentence_transformers.json"
#: what the keys of a pooling configuration that ask for a pooling begin with
_MODE = "pooling_mode_"
#: those keys, without that beginning -> `EmbeddingOptions.pooling`
_POOLINGS = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}


@dataclass(frozen=True)
class SentenceTransformersSettings:
    """What the files say of the text's vector."""

    embedding: EmbeddingOptions
    #: the most tokens in a sequence; None if the files do not limit it
    max_seq_length: int | None = None


def read_sentence_transformers(folder: Path) -> SentenceTransformersSettings | None:
    """The settings of the sentence-transformers model whose transformer is in `folder`; None if there is none.

    The transformer is in the folder of modules.json, or in a folder below it, such as `0_Transformer`.

    Raises:
        CheckpointError: a file can't be read.
        UnsupportedError: the model makes its vectors in a way that is not supported; the message lists every reason.
    """
    root = next((one for one in (folder, folder.absolute().parent) if _is_root_of(one, folder)), None)
    if root is None:
        return None
    modules = _read_modules(root)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    problems: list[str] = []
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        problems.append(
            f"{MODULES_FILE} has the modules {', '.join(kinds)}; supported are Transformer, Pooling and, behind "
            "them, Normalize"
        )
    pooling = "mean"
    if "Pooling" in kinds:
        pooling = _pooling(root / str(modules[kinds.index("Pooling")].get("path", "")), problems)
    transformer = next(
        (read_json_object(folder / name) for name in _TRANSFORMER_FILES if (folder / name).is_file()), {}
    )
    model = read_json_object(root / _MODEL_FILE) if (root / _MODEL_FILE).is_file() else {}
    length = transformer.get("max_seq_length")
    if length is not None and (not is_int(length) or length < 3):
        problems.append(f"max_seq_length is {length!r}, and must be a number of tokens, 3 or more")
    if model.get("default_prompt_name"):
        problems.append(
            f"{_MODEL_FILE} puts the prompt {model['default_prompt_name']!r} before each text, which is not supported; "
            "set default_prompt_name to null, and put the prompt before the texts yourself"
        )
    similarity = model.get("similarity_fn_name") or "cosine"
    if similarity not in SIMILARITIES:
        problems.append(f"similarity_fn_name is {similarity!r}; supported are {', '.join(SIMILARITIES)}")
    if problems:
        raise UnsupportedError(listed(f"the sentence-transformers model in {root} can't be exported:", problems))
    return SentenceTransformersSettings(
        EmbeddingOptions(
            pooling=pooling,
            normalize="Normalize" in kinds,
            lower_case=bool(transformer.get("do_lower_case")),
            similarity=similarity,
        ),
        length,
    )


def transformer_folder(root: Path) -> Path | None:
    """The folder of the transformer, the first module of the sentence-transformers model in `root`.

    It is `root` itself, or a folder below it. None if there is no such model in `root`, or it names another place.

    Raises:
        CheckpointError: the list of modules can't be read.
    """
    if not (root / MODULES_FILE).is_file():
        return None
    path = str(_read_modules(root)[0].get("path", ""))
    if Path(path).is_absolute() or ".." in Path(path).parts or "\0" in path:
        return None
    return root / path


def _is_root_of(root: Path, folder: Path) -> bool:
    """Whether `root` has a modules.json whose first module is the transformer in `folder`."""
    if not (root / MODULES_FILE).is_file():
        return False
    return (root / str(_read_modules(root)[0].get("path", ""))).resolve() == folder.resolve()


def _read_modules(root: Path) -> list[dict[str, Any]]:
    file = root / MODULES_FILE
    modules = read_json(file)
    if not isinstance(modules, list) or not modules or not all(isinstance(module, dict) for module in modules):
        raise CheckpointError(f"{file} must hold a list of modules; copy it from the model again")
    return modules


def _pooling(folder: Path, problems: list[str]) -> str:
    """The pooling that the configuration in `folder` asks for; what is not supported is added to `problems`."""
    settings = read_json_object(folder / "config.json")
    modes = [name.removeprefix(_MODE) for name, value in settings.items() if name.startswith(_MODE) and value]
    # Newer versions write one name instead of a flag for each.
    named = settings.get("pooling_mode")
    modes += [named if f"{named}_tokens" not in _POOLINGS else f"{named}_tokens"] if named else []
    modes = ["cls_token" if mode == "cls" else mode for mode in dict.fromkeys(modes)]
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        problems.append(
            f"{folder.name} pools by {' and '.join(map(str, modes)) or 'nothing'}; supported is one of "
            f"{', '.join(_POOLINGS)}"
        )
        return "mean"
    return _POOLINGS[modes[0]]
