"""Small checkpoints of models in other languages: vocabularies trained on the bundled corpora, and random weights.

A checkpoint is of a language and of a kind of tokenizer. Another kind is another function in `TOKENIZERS`, which writes
the tokenizer's files into a folder and returns transformers' tokenizer for them, the oracle of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albert_export.samples.corpora import declaration, language_of
from albert_runtime.tasks import TASKS

#: as many pieces as the corpora give; Chinese has hundreds of characters
_PIECES = 1000
#: the pieces that Google's vocabularies have behind the special tokens
_GOOGLE_PIECES = ["(", ")", '"', "-", ".", "–", "£", "€"]
_MODEL = {
    "embedding_size": 16,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 160,
    "initializer_range": 0.15,
}


@dataclass(frozen=True)
class SmallModel:
    """What one kind of model is like: its languages, its tokenizer's settings, and the task that it is exported for."""

    tags: tuple[str, ...]
    task: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The text that the vocabulary is trained on: the corpora, and the words of the questions about them."""
        languages = [language_of(tag) for tag in self.tags]
        lines = [line for language in languages for line in declaration(language)]
        return [*lines, *(language.question.format("") for language in languages)]


#: name -> the model; the settings are those of published checkpoints in these languages
MODELS = {
    "chinese": SmallModel(("zh",), "question-answering"),
    "japanese": SmallModel(("ja",), "fill-mask", {"do_lower_case": False, "keep_accents": True}),
    "korean": SmallModel(("ko",), "text-classification", {"keep_accents": True}),
    "hindi": SmallModel(("hi",), "token-classification", {"keep_accents": True}),
    "indic": SmallModel(("hi", "bn", "ta", "en"), "text-classification", {"keep_accents": True}),
    "vietnamese": SmallModel(("vi",), "multiple-choice", {"keep_accents": True}),
    "persian": SmallModel(("fa",), "text-classification"),
}


def save_sentencepiece(folder: Path, lines: Sequence[str], settings: dict[str, Any]) -> Any:
    """Trains spiece.model in the way of Google's; transformers' slow tokenizer writes its configuration."""
    import transformers
    from sentencepiece import SentencePieceTrainer

    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(folder / "spiece"),
        vocab_size=_PIECES * max(1, len(lines) // 60),
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        user_defined_symbols=_GOOGLE_PIECES,
        minloglevel=2,
    )
    (folder / "spiece.vocab").unlink()
    tokenizer = transformers.AlbertTokenizer(str(folder / "spiece.model"), **settings)
    tokenizer.save_pretrained(folder)
    return tokenizer


def save_wordpiece(folder: Path, lines: Sequence[str], settings: dict[str, Any]) -> Any:
    """Trains vocab.txt for a BertTokenizer, as Chinese, Japanese and Korean checkpoints have it."""
    import tokenizers
    import transformers

    trained = tokenizers.BertWordPieceTokenizer(lowercase=settings.get("do_lower_case", True), strip_accents=False)
    trained.train_from_iterator(lines, vocab_size=1500, min_frequency=1, limit_alphabet=4000, show_progress=False)
    trained.save_model(str(folder))
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"), **settings)
    tokenizer.save_pretrained(folder)
    return tokenizer


#: kind -> the function (folder, lines, settings) that writes the tokenizer
TOKENIZERS: dict[str, Callable[[Path, Sequence[str], dict[str, Any]], Any]] = {
    "sentencepiece": save_sentencepiece,
    "wordpiece": save_wordpiece,
}
#: the models that have a WordPiece tokenizer too -> its settings
_WORDPIECE = {
    "chinese": {},
    "japanese": {"do_lower_case": False, "strip_accents": False},
    "korean": {"do_lower_case": True, "strip_accents": False},
}
#: the kinds and the models that there are of each
CASES = [*(("sentencepiece", name) for name in MODELS), *(("wordpiece", name) for name in _WORDPIECE)]


def save_small(folder: Path, kind: str, name: str) -> None:
    """Saves the checkpoint of the model `name` with a tokenizer of `kind`."""
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    model = MODELS[name]
    settings = model.settings if kind == "sentencepiece" else _WORDPIECE[name]
    tokenizer = TOKENIZERS[kind](folder, model.lines, settings)
    torch.manual_seed(len(name))
    config = transformers.AlbertConfig(**_MODEL, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    getattr(transformers, TASKS[model.task].architecture)(config).save_pretrained(folder)
