"""Loads the tokenizer of a checkpoint, and checks that it fits the model."""

from __future__ import annotations

import logging

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, UnsupportedError, listed

#: the fewest tokens that a model can be given a text with
_SHORTEST = 3
#: A model may have fewer spare word embeddings than this, since tables are padded to multiples of 8 to 1024. With more,
#: the vocabulary is probably that of another model.
_SPARE_EMBEDDINGS = 1024

logger = logging.getLogger("albert_export")


def load_tokenizer(checkpoint: Checkpoint) -> AlbertTokenizer:
    """The tokenizer of the checkpoint.

    Raises:
        CheckpointError: there is no vocabulary, or it does not fit the model; the message lists every problem.
    """
    folder, config = checkpoint.folder, checkpoint.config
    if checkpoint.vocab_file is None:
        raise CheckpointError(
            f"{folder} has no spiece.model, the tokenizer's vocabulary; copy it there from the checkpoint that the "
            "model was fine-tuned from (tokenizer.json does not replace it). For a model that takes token ids and no "
            "text, albert-export onnx and tflite have --no-tokenizer"
        )
    try:
        # A folder that names no limit leaves it to the model.
        tokenizer = AlbertTokenizer.from_folder(
            folder, vocab_file=checkpoint.vocab_file, model_max_length=config.max_position_embeddings
        )
    except UnsupportedError as error:
        raise CheckpointError(str(error)) from error
    problems = _embedding_problems(checkpoint, tokenizer)
    if tokenizer.model_max_length < _SHORTEST:
        problems.append(
            f"model_max_length is {tokenizer.model_max_length}; a sequence has at least {_SHORTEST} tokens: [CLS], one "
            "token of the text, and [SEP]"
        )
    if config.pad_token_id is not None and config.pad_token_id != tokenizer.pad_token_id:
        problems.append(
            f"pad_token_id is {config.pad_token_id} in the configuration and {tokenizer.pad_token_id} in the vocabulary"
        )
    if config.type_vocab_size < 2:
        problems.append(f"type_vocab_size is {config.type_vocab_size}; pairs of texts need 2 token types")
    added = tokenizer.vocabulary.added
    unreachable = [token.content for token in added.tokens if added.is_unreachable(token.content)]
    if tokenizer.do_lower_case and unreachable:
        logger.warning(
            "%s: %s will never be found, because the tokenizer lower-cases texts before it looks for added tokens; "
            "list them in additional_special_tokens if that is not intended",
            folder,
            ", ".join(unreachable),
        )
    if problems:
        raise CheckpointError(listed(f"the tokenizer and the model in {folder} don't fit each other:", problems))
    return tokenizer


def _embedding_problems(checkpoint: Checkpoint, tokenizer: AlbertTokenizer) -> list[str]:
    """Why the model's word embeddings are not those of the tokenizer's tokens."""
    assert checkpoint.vocab_file is not None  # `load_tokenizer` has checked it
    rows, spare = checkpoint.config.vocab_size, checkpoint.config.vocab_size - len(tokenizer)
    if 0 < spare < _SPARE_EMBEDDINGS:
        logger.warning(
            "%s: the model has %d word embeddings, and the tokenizer %d tokens. The last %d embeddings are never used, "
            "which is right if they are padding. If they belong to added tokens, the tokenizer's files lack these",
            checkpoint.folder,
            rows,
            len(tokenizer),
            spare,
        )
    if 0 <= spare < _SPARE_EMBEDDINGS:
        return []
    added = tokenizer.vocabulary.beyond_pieces
    if added and spare < 0 and rows >= tokenizer.vocab_size:
        first = ", ".join(f"{content} ({index})" for content, index in [*added.items()][-3:])
        return [
            f"the ids of the tokens go up to {len(tokenizer) - 1}, with those that were added ({first}), and the model "
            f"has {rows} word embeddings (vocab_size); call model.resize_token_embeddings(len(tokenizer)), train the "
            "new embeddings, and save the model again"
        ]
    more = f" and {len(added)} added tokens" if added else ""
    return [
        f"{checkpoint.vocab_file.name} has {tokenizer.vocab_size} pieces{more}, and the model has {rows} word "
        "embeddings (vocab_size); use the vocabulary that the model was trained with"
    ]
