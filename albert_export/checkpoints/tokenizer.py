"""Loads the tokenizer of a checkpoint, and checks that it fits the model."""

from __future__ import annotations

from albert_export.checkpoints.checkpoint import Checkpoint
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import CheckpointError, UnsupportedError, listed
from albert_runtime.tokenization.config import stated_token_ids

#: the fewest tokens that a model can be given a text with
_SHORTEST = 3


def load_tokenizer(checkpoint: Checkpoint) -> AlbertTokenizer:
    """The tokenizer of the checkpoint.

    Raises:
        CheckpointError: there is no vocabulary, or it does not fit the model; the message lists every problem.
    """
    folder, config = checkpoint.folder, checkpoint.config
    if checkpoint.vocab_file is None:
        raise CheckpointError(
            f"{folder} has no spiece.model, the tokenizer's vocabulary; copy it there from the checkpoint that the "
            "model was fine-tuned from (tokenizer.json does not replace it)"
        )
    try:
        # A folder that names no limit leaves it to the model.
        tokenizer = AlbertTokenizer.from_folder(
            folder, vocab_file=checkpoint.vocab_file, model_max_length=config.max_position_embeddings
        )
        stated = stated_token_ids(folder)
    except UnsupportedError as error:
        raise CheckpointError(str(error)) from error
    problems = [
        f"{token} is token {index} in tokenizer_config.json, and {own} in {checkpoint.vocab_file.name}"
        for (token, index), own in zip(stated.items(), tokenizer.convert_tokens_to_ids(stated), strict=True)
        if index != own
    ]
    if tokenizer.model_max_length < _SHORTEST:
        problems.append(
            f"model_max_length is {tokenizer.model_max_length}; a sequence has at least {_SHORTEST} tokens: [CLS], one "
            "token of the text, and [SEP]"
        )
    if tokenizer.vocab_size != config.vocab_size:
        problems.append(
            f"{checkpoint.vocab_file.name} has {tokenizer.vocab_size} pieces, and the model has {config.vocab_size} "
            "word embeddings (vocab_size); use the vocabulary that the model was trained with"
        )
    if config.pad_token_id is not None and config.pad_token_id != tokenizer.pad_token_id:
        problems.append(
            f"pad_token_id is {config.pad_token_id} in the configuration and {tokenizer.pad_token_id} in the vocabulary"
        )
    if config.type_vocab_size < 2:
        problems.append(f"type_vocab_size is {config.type_vocab_size}; pairs of texts need 2 token types")
    if problems:
        raise CheckpointError(listed(f"the tokenizer and the model in {folder} don't fit each other:", problems))
    return tokenizer
