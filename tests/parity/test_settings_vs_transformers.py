"""Settings that change answers are followed or refused: transformers reads the same folder, and must agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.evaluation.model_loading import find_model
from albert_export.export import export_onnx
from albert_runtime import FeatureExtractionSession
from albert_runtime.errors import CheckpointError, UnsupportedError
from tests.conftest import CheckpointOf

TEXTS = ("This is a TÉST.", "  In 1999,  [MASK]  or ``so'' [SEP] a[MASK]b ΑΣ 漢字 ", "[CLS] <pad>A\u00a0b", "x² (dogs)")
MASK = {
    "content": "[MASK]",
    "lstrip": True,
    "rstrip": False,
    "single_word": False,
    "normalized": False,
    "special": True,
}


def folder_with(tmp_path: Path, checkpoint: Path, files: dict[str, Any]) -> Path:
    """A copy of `checkpoint` with further JSON files."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, folder)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model_max_length": 20},
        {"max_len": 20},
        {"model_max_length": 1e30},
        {"do_lower_case": False, "keep_accents": True},
        {"remove_space": False},
        {"do_lower_case": None},
        {"do_lower_case": 0, "keep_accents": None, "remove_space": None},
        {"padding_side": "left"},
        {"split_special_tokens": False, "add_prefix_space": True, "tokenizer_class": "AlbertTokenizerFast"},
        {"sp_model_kwargs": {}},
        {"sp_model_kwargs": {"alpha": 0.1, "nbest_size": -1, "enable_sampling": False, "num_threads": 2}},
        {"mask_token": "[MASK]", "added_tokens_decoder": {"4": MASK}},
        {"mask_token": "[MASK]", "added_tokens_decoder": {"4": {**MASK, "lstrip": False, "rstrip": True}}},
        # These belong to other tokenizers, and the slow ALBERT tokenizer passes over them.
        {"strip_accents": False, "tokenize_chinese_chars": True, "legacy": False, "clean_up_tokenization_spaces": True},
    ],
)
def test_followed(settings: dict[str, Any], tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    import transformers

    folder = folder_with(tmp_path, checkpoint_of("text-classification"), {"tokenizer_config.json": settings})
    ours = load_tokenizer(read_checkpoint(folder))
    theirs = transformers.AlbertTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert ours.encode(text) == theirs.encode(text)
        assert ours.encode(text, TEXTS[0]) == theirs.encode(text, TEXTS[0])
    # Where the folder names no limit, the model does: it has 48 positions.
    assert min(ours.model_max_length, 48) == min(theirs.model_max_length, 48)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_max_length": 2}, "model_max_length is 2; a sequence has at least 3 tokens"),
        ({"truncation_side": "left"}, "truncation_side is 'left'; only 'right'"),
        ({"split_special_tokens": True}, "split_special_tokens is true"),
        ({"add_prefix_space": False}, "add_prefix_space is false"),
        ({"sp_model_kwargs": {"reverse": True}}, "sp_model_kwargs sets reverse to True"),
        ({"sp_model_kwargs": {"emit_unk_piece": True}}, "sp_model_kwargs sets emit_unk_piece"),
        ({"sp_model_kwargs": {"enable_sampling": True}}, "enable_sampling to True .it splits the same text"),
        ({"sp_model_kwargs": {"something": 1}}, "sp_model_kwargs sets something to 1"),
        ({"sp_model_kwargs": "none"}, "sp_model_kwargs is 'none', and must be a table"),
        ({"tokenizer_class": "BertTokenizer"}, "tokenizer_class is 'BertTokenizer'"),
        (
            {"added_tokens_decoder": {"7": {**MASK, "content": "[SEP]"}}},
            r"\[SEP\] is token 7 .*, and 3 in the vocabulary",
        ),
        ({"added_tokens_decoder": {"4": {**MASK, "single_word": True}}}, r"\[MASK\] has single_word"),
        ({"added_tokens_decoder": {"four": MASK}}, "added_tokens_decoder must be a table of ids"),
    ],
)
def test_refused(settings: dict[str, Any], message: str, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    folder = folder_with(tmp_path, checkpoint_of("text-classification"), {"tokenizer_config.json": settings})
    with pytest.raises(CheckpointError, match=message):
        export_onnx(folder, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ({"sep_token": "</s>"}, r"go up to 30000, .*\(</s> \(30000\)\), .* has 30000"),
        ({"additional_special_tokens": ["[E1]"]}, r"go up to 30000, .*\(\[E1\] \(30000\)\), .* has 30000"),
    ],
)
def test_special_tokens_map(tokens: dict[str, Any], message: str, tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """It counts only where tokenizer_config.json has no added_tokens_decoder."""
    import transformers

    files: dict[str, Any] = {"special_tokens_map.json": tokens}
    folder = folder_with(tmp_path, checkpoint_of("text-classification"), files)
    theirs = transformers.AlbertTokenizer.from_pretrained(folder)
    assert len(theirs) > 30000  # it adds the token
    with pytest.raises(CheckpointError, match=message):
        load_tokenizer(read_checkpoint(folder))
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": {"4": MASK}}))
    ours, theirs = load_tokenizer(read_checkpoint(folder)), transformers.AlbertTokenizer.from_pretrained(folder)
    assert [ours.encode(text) for text in TEXTS] == [theirs.encode(text) for text in TEXTS]


def test_a_shorter_maximal_length(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """The bundle, and the checkpoint as `evaluate` opens it, cut texts where transformers does."""
    import transformers

    files = {"tokenizer_config.json": {"model_max_length": 11}}
    folder = folder_with(tmp_path, checkpoint_of("text-classification"), files)
    export_onnx(folder, tmp_path / "bundle")
    model = transformers.AlbertForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.AlbertTokenizer.from_pretrained(folder)
    theirs = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    text = "The story was gripping and I loved the cast, in 1999, of the film"
    for session in (albert_runtime.load(tmp_path / "bundle"), find_model(folder).open()):
        assert session.arrays(text)["input_ids"].shape == (1, 11)
        expected = theirs(text, truncation=True, top_k=None)
        assert [one.label for one in session(text)] == [one["label"] for one in expected]
        assert [one.score for one in session(text)] == pytest.approx([one["score"] for one in expected], abs=1e-4)


def sentence_transformers_files(pooling: dict[str, bool], normalize: bool, **transformer: Any) -> dict[str, Any]:
    modules = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    return {
        "modules.json": [
            {
                "idx": index,
                "name": str(index),
                "path": f"{index}_{kind}" if index else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for index, kind in enumerate(modules)
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": 16, **pooling},
        "sentence_bert_config.json": {"max_seq_length": None, "do_lower_case": False, **transformer},
    }


def embedded(folder: Path, text: str, pooling: str, normalize: bool, max_length: int, lower: bool) -> np.ndarray:
    """The vector as sentence-transformers computes it (models/Transformer.py, Pooling.py and Normalize.py)."""
    import torch
    import transformers

    model = transformers.AlbertModel.from_pretrained(folder).eval()
    tokenizer = transformers.AlbertTokenizer.from_pretrained(folder)
    text = text.strip().lower() if lower else text.strip()
    inputs = tokenizer([text], return_tensors="pt", truncation="longest_first", max_length=max_length)
    with torch.no_grad():
        tokens = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None].float()
    vector = {
        "cls": tokens[:, 0],
        "mean": (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9),
        "max": tokens.masked_fill(mask == 0, -1e9).max(1).values,
    }[pooling]
    found: np.ndarray = (torch.nn.functional.normalize(vector, dim=1) if normalize else vector)[0].numpy()
    return found


@pytest.mark.parametrize(
    ("pooling", "normalize", "settings", "lower_case"),
    [
        ("mean", True, {"max_seq_length": 9}, True),
        ("mean", False, {"max_seq_length": 30, "do_lower_case": True}, False),
        ("cls", True, {}, True),
        ("max", False, {"max_seq_length": 100}, True),
    ],
)
def test_sentence_transformers(
    pooling: str,
    normalize: bool,
    settings: dict[str, Any],
    lower_case: bool,
    tmp_path: Path,
    checkpoint_of: CheckpointOf,
) -> None:
    key = "pooling_mode_cls_token" if pooling == "cls" else f"pooling_mode_{pooling}_tokens"
    files = sentence_transformers_files({key: True, "pooling_mode_mean_sqrt_len_tokens": False}, normalize, **settings)
    files["tokenizer_config.json"] = {"do_lower_case": lower_case, "model_max_length": 20}
    folder = folder_with(tmp_path, checkpoint_of("feature-extraction"), files)
    export_onnx(folder, tmp_path / "bundle", task="feature-extraction")
    session = albert_runtime.load(tmp_path / "bundle")
    assert isinstance(session, FeatureExtractionSession)
    # As in sentence-transformers, max_seq_length replaces the limit of the tokenizer. The model has 48 positions.
    length = min(settings.get("max_seq_length") or 20, 48)
    assert session.max_length == length
    for text in ("A dog.", "The Story was gripping [SEP] and I loved the ΑΣ cast, in 1999, of the film. " * 3):
        expected = embedded(folder, text, pooling, normalize, length, settings.get("do_lower_case", False))
        assert session(text).vector == pytest.approx(expected, abs=1e-4)
    # Other tasks do not read these files.
    assert read_checkpoint(folder).tasks


def test_an_older_sentence_transformers_folder(tmp_path: Path, checkpoint_of: CheckpointOf) -> None:
    """The transformer is in a folder of its own, below modules.json."""
    files = sentence_transformers_files({"pooling_mode_cls_token": True}, False)
    files["modules.json"][0]["path"] = "checkpoint"
    for name in ("modules.json", "1_Pooling/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(files.pop(name)))
    folder = folder_with(tmp_path, checkpoint_of("feature-extraction"), files)
    manifest = export_onnx(folder, tmp_path / "bundle", task="feature-extraction").manifest
    assert manifest.embedding == {"pooling": "cls", "normalize": False, "lower_case": False, "similarity": "cosine"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"1_Pooling/config.json": {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}}, "and max_tok"),
        ({"1_Pooling/config.json": {"pooling_mode_weightedmean_tokens": True}}, "pools by weightedmean_tokens"),
        ({"1_Pooling/config.json": {}}, "pools by nothing"),
        ({"modules.json": [{"path": "", "type": "a.Transformer"}, {"path": "1_Dense", "type": "a.Dense"}]}, "Dense"),
        ({"sentence_bert_config.json": {"max_seq_length": "long"}}, "max_seq_length is 'long'"),
        ({"config_sentence_transformers.json": {"default_prompt_name": "query"}}, "puts the prompt 'query' before"),
        ({"config_sentence_transformers.json": {"similarity_fn_name": "angle"}}, "similarity_fn_name is 'angle'"),
        ({"modules.json": {}}, "must hold a list of modules"),
        ({"1_Pooling/config.json": []}, "must hold a JSON object"),
    ],
)
def test_sentence_transformers_refused(
    changes: dict[str, Any], message: str, tmp_path: Path, checkpoint_of: CheckpointOf
) -> None:
    files = {**sentence_transformers_files({"pooling_mode_mean_tokens": True}, True), **changes}
    folder = folder_with(tmp_path, checkpoint_of("feature-extraction"), files)
    with pytest.raises(UnsupportedError, match=message):
        export_onnx(folder, tmp_path / "bundle", task="feature-extraction")
