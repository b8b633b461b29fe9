"""Loads the tokenizer of a checkpoint, and checks that it fits the model."""

from __future__ import annotations

import logging

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_export.checkpoints.tokenizer_rules import tokenizer_of
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, listed

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
        UsageError: the tokenizer that was asked for can't be followed.
    """
    folder, config = checkpoint.folder, checkpoint.config
    tokenizer = tokenizer_of(checkpoint)
    if not tokenizer.gives_token_type_ids:
        logger.warning(
            "%s: the AlbertTokenizer of transformers 5 gives no token_type_ids, so the model sees 0 for both texts of "
            'a pair. If it was trained with types, add "model_input_names": ["input_ids", "token_type_ids", '
            '"attention_mask"] to tokenizer_config.json',
            folder,
        )
    problems = _embedding_problems(checkpoint, tokenizer)
    if tokenizer.model_max_length < _SHORTEST:
        problems.append(
            f"model_max_length is {tokenizer.model_max_length}; a sequence has at least {_SHORTEST} tokens: [CLS], one "
            "token of the text, and [SEP]"
        )
    if config.pad_token_id is not None and config.pad_token_id != tokenizer.pad_token_id:
        # No answer depends on it: padding is masked, and the configuration's id only keeps a row from being trained.
        logger.warning(
            "%s: pad_token_id is %s in the configuration and %d in the vocabulary, which is followed",
            folder,
            config.pad_token_id,
            tokenizer.pad_token_id,
        )
    if config.type_vocab_size < 2 and tokenizer.gives_token_type_ids:
        problems.append(f"type_vocab_size is {config.type_vocab_size}; pairs of texts need 2 token types")
    added = tokenizer.vocabulary.added
    unreachable = [token.content for token in added.tokens if added.is_unreachable(token.content)]
    if tokenizer.fast_rules is None and tokenizer.do_lower_case and unreachable:
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
        f"{tokenizer.vocab_file.name} has {tokenizer.vocab_size} pieces{more}, and the model has {rows} word "
        "embeddings (vocab_size); use the vocabulary that the model was trained with"
    ]
