"""Which of a folder's tokenizers a model was trained with: the slow one of its vocabulary, or its tokenizer.json's.

Hugging Face's fast tokenizers are other programs than its slow ones, and give other ids for some texts. Their rules are
in tokenizer.json, which only they write; what the slow one does follows from its vocabulary and tokenizer_config.json.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.tokenizer.sentencepiece_writer import sentencepiece_model
from albert_export.checkpoints.checkpoint import Checkpoint, tokenizer_settings
from albert_export.checkpoints.containers.keras_hub import is_keras_hub
from albert_export.config_file import read_json
from albert_export.samples.texts import corpus, sentences
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, UnsupportedError, UsageError, listed
from albert_runtime.manifest import VOCABULARY_FILE, WORDPIECE_FILE
from albert_runtime.tokenization.config import CONFIG_FILE, FAST_TOKENIZER_FILE, read_tokenizer_config
from albert_runtime.tokenization.fast.rules import FastRules
from albert_runtime.tokenization.wordpiece_model import WordPieceModel

logger = logging.getLogger("albert_export")

#: the values of --tokenizer
RULES = ("slow", "fast")
#: texts that the two kinds of tokenizers often split in different ways, beside those of the bundled corpora
_HARD_TEXTS = (
    "In 1999, they sold 1,234, 5,678 and 9,9 of them (about half).",
    "``Quoted'' \"text\" – it costs £5.50, or €6 - 10%.",
    "Ünïcödé, naïve CAFÉ, Ångström; e\u0301, o\u0308 and \ufb01ne.",
    "  two  spaces,\ttabs\nand lines \u00a0 ",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e, \u4f60\u597d\uff0c\u4e16\u754c\u3002",
    "[MASK] here, a[MASK]b and [SEP]; <unk> [cls]",
)
_SHOWN, _SHOWN_TOKENS, _SHOWN_CHARACTERS = 3, 6, 60
#: the fields that `save_pretrained` writes; Google's and the first published folders lack them
_SAVED_FIELDS = ("tokenizer_class", "backend", "added_tokens_decoder")


@dataclass(frozen=True)
class _Loaded:
    """A tokenizer, or the reason why there is none."""

    tokenizer: AlbertTokenizer | None = None
    problem: str = ""


def tokenizer_of(checkpoint: Checkpoint) -> AlbertTokenizer:
    """The tokenizer that the checkpoint was trained with, as far as its files tell.

    If both kinds are there and give different ids, `checkpoint.tokenizer_rules` decides, or else which of them saved
    the folder; a warning says how often they differ, and which one is followed.

    Raises:
        CheckpointError: there is no tokenizer, or none that is supported.
        UsageError: there is no such kind, or the folder does not have it.
    """
    rules = checkpoint.tokenizer_rules
    if rules is not None and rules not in RULES:
        raise UsageError(f"there is no tokenizer {rules!r}; choose {' or '.join(RULES)}")
    folder = checkpoint.folder
    slow, fast = _load(_slow, checkpoint), _load(_fast, checkpoint)
    if slow is None and fast is None:
        raise CheckpointError(_nothing_found(folder))
    if rules is not None:
        return _demanded(folder, rules, slow if rules == "slow" else fast)
    if slow is None or slow.tokenizer is None:
        return _the_only(folder, fast, slow)
    if fast is None or fast.tokenizer is None:
        if fast is not None:
            logger.warning(
                "%s: %s is not followed, and was not compared with %s: %s",
                folder,
                FAST_TOKENIZER_FILE,
                slow.tokenizer.vocab_file.name,
                fast.problem,
            )
        return slow.tokenizer
    return _decide(folder, slow.tokenizer, fast.tokenizer)


def _decide(folder: Path, slow: AlbertTokenizer, fast: AlbertTokenizer) -> AlbertTokenizer:
    """The one of two tokenizers that saved the folder, if they differ."""
    texts = (*sentences(), *corpus(), *_HARD_TEXTS)
    differing = [text for text in texts if slow.encode(text) != fast.encode(text)]
    if not differing:
        return slow
    settings = tokenizer_settings(folder)
    saved = next((name for name in _SAVED_FIELDS if name in settings), None)
    chosen, other = (fast, "slow") if saved else (slow, "fast")
    followed, reason = (
        (FAST_TOKENIZER_FILE, f"{CONFIG_FILE} has {saved}, so a fast tokenizer saved this folder after training")
        if saved
        else (slow.vocab_file.name, f"{CONFIG_FILE} does not say that a fast tokenizer saved this folder")
    )
    examples = [_difference(text, slow, fast) for text in sorted(differing, key=len)[:_SHOWN]]
    logger.warning(
        "%s",
        listed(
            f"{folder}: {slow.vocab_file.name} and {FAST_TOKENIZER_FILE} give different tokens for {len(differing)} of "
            f"{len(texts)} texts. {followed} is followed, because {reason}; --tokenizer {other} follows the other one.",
            examples,
        ),
    )
    return chosen


def _difference(text: str, slow: AlbertTokenizer, fast: AlbertTokenizer) -> str:
    """The first tokens of `text` that are not equal, with one before and some behind them."""
    ours, theirs = slow.tokenize(text), fast.tokenize(text)
    place = next((n for n, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), len(ours))
    first = max(0, place - 1)
    shown = [" ".join(tokens[first : first + _SHOWN_TOKENS]) for tokens in (ours, theirs)]
    return f"{text[:_SHOWN_CHARACTERS]!r}: at token {place}, {shown[0]!r} and {shown[1]!r}"


def _demanded(folder: Path, rules: str, loaded: _Loaded | None) -> AlbertTokenizer:
    if loaded is None:
        missing = FAST_TOKENIZER_FILE if rules == "fast" else f"{VOCABULARY_FILE} and no {WORDPIECE_FILE}"
        raise UsageError(f"--tokenizer {rules} can't be followed, because {folder} has no {missing}")
    if loaded.tokenizer is None:
        raise CheckpointError(loaded.problem)
    return loaded.tokenizer


def _the_only(folder: Path, fast: _Loaded | None, slow: _Loaded | None) -> AlbertTokenizer:
    """The fast tokenizer, where there is no slow one that can be used."""
    if fast is None or fast.tokenizer is None:
        raise CheckpointError("\n".join(one.problem for one in (slow, fast) if one is not None))
    if slow is not None:
        logger.warning("%s: %s is followed, because of this: %s", folder, FAST_TOKENIZER_FILE, slow.problem)
    return fast.tokenizer


def _load(make: Callable[[Checkpoint], AlbertTokenizer | None], checkpoint: Checkpoint) -> _Loaded | None:
    try:
        tokenizer = make(checkpoint)
    except (UnsupportedError, CheckpointError) as error:
        return _Loaded(problem=str(error))
    return None if tokenizer is None else _Loaded(tokenizer)


def _slow(checkpoint: Checkpoint) -> AlbertTokenizer | None:
    """The tokenizer of the vocabulary, with the rules of the slow tokenizer."""
    if checkpoint.vocab_file is None:
        return None
    if is_keras_hub(checkpoint.folder):
        logger.warning(
            "%s: KerasHub's tokenizer splits texts by SentencePiece alone, and does not lower-case them; so does the "
            "bundle's, since the model was trained with it",
            checkpoint.folder,
        )
        return AlbertTokenizer(
            checkpoint.vocab_file,
            sentencepiece_only=True,
            model_max_length=checkpoint.config.max_position_embeddings,
        )
    # A folder that names no limit leaves it to the model.
    return AlbertTokenizer.from_folder(
        checkpoint.folder,
        vocab_file=checkpoint.vocab_file,
        model_max_length=checkpoint.config.max_position_embeddings,
    )


def _fast(checkpoint: Checkpoint) -> AlbertTokenizer | None:
    """The tokenizer of tokenizer.json."""
    folder = checkpoint.folder
    file = folder / FAST_TOKENIZER_FILE
    content = read_json(file) if file.is_file() else None
    if not isinstance(content, dict) or "model" not in content:
        return None  # KerasHub has a file of this name, too
    rules = FastRules.from_json(content, str(file))
    is_wordpiece = isinstance(rules.model, WordPieceModel)
    settings = read_tokenizer_config(folder, wordpiece=is_wordpiece, rules="fast")
    limit = settings.model_max_length
    roles = settings.special_tokens
    tokenizer = AlbertTokenizer(
        folder / (WORDPIECE_FILE if is_wordpiece else VOCABULARY_FILE),
        do_lower_case=settings.do_lower_case,
        keep_accents=settings.keep_accents,
        model_max_length=checkpoint.config.max_position_embeddings if limit is None else limit,
        special_tokens=roles,
        added_tokens=rules.tokens,
        additional_special_tokens=[
            token.content for token in rules.tokens if token.special and token.content not in roles.contents
        ],
        wordpiece=settings.wordpiece,
        fast_rules=rules,
        gives_token_type_ids=settings.gives_token_type_ids,
        content=rules.model.content
        if isinstance(rules.model, WordPieceModel)
        else sentencepiece_model(content, str(file)),
    )
    problems = _layout_problems(content.get("post_processor"), tokenizer)
    if problems:
        raise UnsupportedError(listed(f"{file} puts other tokens around texts than ALBERT:", problems))
    return tokenizer


def _layout_problems(processor: Any, tokenizer: AlbertTokenizer) -> list[str]:
    """Why a post-processor does not make sequences `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`."""
    cls, sep = tokenizer.special_tokens.cls, tokenizer.special_tokens.sep
    kind = processor.get("type") if isinstance(processor, Mapping) else None
    if kind == "BertProcessing":
        expected, given = [[cls, tokenizer.cls_token_id], [sep, tokenizer.sep_token_id]], [
            processor.get("cls"), processor.get("sep")
        ]  # fmt: skip
        return [] if given == expected else [f"post_processor has {given}, and the model's tokens are {expected}"]
    if kind != "TemplateProcessing":
        return [f"post_processor is {kind or 'missing'}; supported are TemplateProcessing and BertProcessing"]
    layouts = {"single": [cls, "A", sep], "pair": [cls, "A", sep, "B", sep]}
    try:
        found = {name: [next(iter(part.values()))["id"] for part in processor[name]] for name in layouts}
        ids = {name: processor["special_tokens"][name]["ids"] for name in (cls, sep)}
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        return [f"post_processor can't be read ({error!r})"]
    problems = [
        f"{name} is {found[name]}, and must be {layout}" for name, layout in layouts.items() if found[name] != layout
    ]
    expected_ids = {cls: [tokenizer.cls_token_id], sep: [tokenizer.sep_token_id]}
    return problems + ([f"it adds {ids}, and the tokens are {expected_ids}"] if ids != expected_ids else [])


def _nothing_found(folder: Path) -> str:
    return (
        f"{folder} has no tokenizer: no {VOCABULARY_FILE}, {FAST_TOKENIZER_FILE} or {WORDPIECE_FILE}; copy the one "
        "that the model was trained with from the checkpoint that it was fine-tuned from, or export with "
        "--no-tokenizer, if the model reads no text"
    )
