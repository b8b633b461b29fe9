"""The arithmetic of an ALBERT: how many operations its matrix products take, for an answer to a batch of sequences.

A product of matrices `[m, k]` and `[k, n]` takes 2mkn operations: m x n sums of k products. Nothing else is counted:
softmax, GELU, LayerNorm and the lookup of embeddings are a few operations for each number, where products are hundreds.

What is counted is what the answer needs, not what a graph happens to compute. With R sequences of S tokens, of which P
are read, and with E, H, F and V for `embedding_size`, `hidden_size`, `intermediate_size` and `vocab_size`:

    embedding mapping   2 R S E H
    each pass           queries, keys and values 6 R S H H; scores and context 4 R S S H; their output 2 R S H H;
                        feed-forward network 4 R S H F
    last pass           keys and values 4 R S H H; queries and output 4 R P H H; scores and context 4 R P S H;
                        feed-forward network 4 R P H F
    pooler              2 R H H
    head                2 R P H O for O outputs, but 2 R P E (H + V) for scores of all words

P is the number of tokens in whose last state the answer is read: S for question answering and token classification, 1,
[CLS], for classification, multiple choice and the like.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from albert_export.config import AlbertConfig
from albert_export.reference.beam_sizes import BeamSizes
from albert_runtime.tasks import SEQUENCE, Task

#: the axis of outputs that score every word
_WORDS = "vocab_size"


@dataclass(frozen=True)
class Operations:
    """The operations of the matrix products of one run, by what they compute."""

    #: from the embeddings' size to the hidden size
    embedding_mapping: int
    #: queries, keys and values of all passes
    query_key_value: int
    #: scores and context: the two products of activations with each other
    attention: int
    #: the linear layer behind the context
    attention_output: int
    #: both linear layers of the feed-forward network
    feed_forward: int
    #: the pooler and the task's head
    head: int

    @property
    def total(self) -> int:
        """The sum of all of them."""
        return sum(astuple(self))


def count_operations(config: AlbertConfig, task: Task, sequences: int, length: int, *, masked: int = 1) -> Operations:
    """Return the operations that a graph for `task` needs.

    Args:
        config: the sizes of the model.
        task: the task of the graph, as `Manifest.graph_task` has it: its head and the outputs that it has.
        sequences: the number of sequences in the run. Each choice of each example is one for multiple choice.
        length: the tokens of each sequence, special tokens included.
        masked: for graphs that decode masked tokens only, their number in each sequence.
    """
    tokens, hidden, inner = sequences * length, config.hidden_size, config.intermediate_size
    passes = config.num_hidden_layers * config.inner_group_num
    read = _tokens_read(task, length, masked) * sequences
    # All passes but the last compute all tokens; the last computes keys and values of all, and the rest of those read.
    states = (passes - 1) * tokens + read
    head = _beam_search if task.head == "beam-search" else _head
    return Operations(
        embedding_mapping=2 * tokens * config.embedding_size * hidden,
        query_key_value=2 * hidden * hidden * (states + 2 * passes * tokens),
        attention=4 * states * length * hidden,
        attention_output=2 * states * hidden * hidden,
        feed_forward=4 * states * hidden * inner,
        head=head(config, task, sequences, read),
    )


def _tokens_read(task: Task, length: int, masked: int) -> int:
    """The tokens of a sequence whose last states the outputs need."""
    if task.head == "beam-search" or any(SEQUENCE in axes for axes in task.outputs.values()):
        return length  # the outputs of a beam search are places in the sequence, found among the scores of all tokens
    return min(masked, length) if any(_WORDS in axes for axes in task.outputs.values()) else 1


def _head(config: AlbertConfig, task: Task, sequences: int, read: int) -> int:
    """Derived from the axes of the outputs: each is a linear layer of the last states, or of the pooler's result."""
    hidden, widths = config.hidden_size, {"num_labels": config.num_labels, "2": 2}
    count = 0
    for axes in task.outputs.values():
        if _WORDS in axes:
            count += 2 * read * config.embedding_size * (hidden + config.vocab_size)
        elif "hidden_size" not in axes:  # those are the last states, and the pooler's result
            rows = read if SEQUENCE in axes else sequences
            count += 2 * rows * hidden * widths.get(axes[-1], 1)
    pooled = any(SEQUENCE not in axes and _WORDS not in axes for axes in task.outputs.values())
    return count + (2 * sequences * hidden * hidden if pooled else 0)


def _beam_search(config: AlbertConfig, _: Task, sequences: int, read: int) -> int:
    """Google's head for SQuAD v2.0: starts, the ends for each of K of them, and whether there is an answer."""
    hidden, starts = config.hidden_size, BeamSizes.of(config).starts
    ends = starts * read * (4 * hidden * hidden + 2 * hidden)  # of each token's state beside the start's
    picked = 2 * (starts + 1) * read * hidden  # the states of the starts, and their mean by probability
    answer_class = sequences * (4 * hidden * hidden + 2 * hidden)
    return 2 * read * hidden + ends + picked + answer_class
