"""SequenceBuilder: token ids of texts -> the inputs of the model, as `SequenceLayout` and `Truncation` make them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from onnx import TensorProto

from albert_converters.onnx.text_graph.nodes import NodeBuilder
from albert_converters.onnx.text_graph.tokens import TokenizedTexts
from albert_runtime.tokenization.tokenizer import AlbertTokenizer


@dataclass(frozen=True)
class Sequences:
    """The inputs of the model, int64 `[rows, sequence]`."""

    input_ids: str
    attention_mask: str
    token_type_ids: str

    def by_name(self) -> dict[str, str]:
        """The name of each input of a graph -> its value."""
        return dict(vars(self))


class SequenceBuilder:
    """Lays out sequences `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]` with padding on the right.

    Args:
        builder: what adds operators to the graph.
        tokenizer: the tokenizer whose special tokens are added.
        max_length: the most tokens in a sequence.
        static_length: the length of all sequences, if the model takes only one; None for that of the longest.
    """

    def __init__(
        self, builder: NodeBuilder, tokenizer: AlbertTokenizer, *, max_length: int, static_length: int | None = None
    ) -> None:
        self._builder = builder
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._static_length = static_length

    def single(self, texts: TokenizedTexts) -> Sequences:
        """The sequences of single texts, which are cut off at the end."""
        build = self._builder
        counts = build.op("Min", texts.counts, build.ints(self._max_length - 2))
        return self.lay_out(replace(texts, counts=counts), None)

    def pairs(self, first: TokenizedTexts, second: TokenizedTexts, has_second: str | None = None) -> Sequences:
        """The sequences of pairs; the longer text of a pair is cut off first, as "longest_first" does.

        Args:
            first: the first texts.
            second: the second texts, as many.
            has_second: bool `[texts]`, whether there is a second text; None if there always is.
        """
        build = self._builder
        room = build.ints(self._max_length - 3)
        if has_second is not None:
            room = build.op("Where", has_second, room, build.ints(self._max_length - 2))
        total = build.op("Add", first.counts, second.counts)
        excess = build.op("Max", build.op("Sub", total, room), build.ints(0))
        difference = build.op("Sub", first.counts, second.counts)
        to_equal = build.op("Min", build.op("Abs", difference), excess)
        remaining = build.op("Sub", excess, to_equal)
        half = build.op("Div", remaining, build.ints(2))
        rest = build.op("Sub", remaining, half)
        first_is_longer = build.op("Greater", difference, build.ints(0))
        from_first = build.op("Where", first_is_longer, to_equal, build.ints(0))
        from_second = build.op("Sub", to_equal, from_first)
        first_counts = build.op("Sub", build.op("Sub", first.counts, from_first), half)
        second_counts = build.op("Sub", build.op("Sub", second.counts, from_second), rest)
        return self.lay_out(
            replace(first, counts=first_counts), replace(second, counts=second_counts), has_second=has_second
        )

    def lay_out(
        self, first: TokenizedTexts, second: TokenizedTexts | None, *, has_second: str | None = None
    ) -> Sequences:
        """The sequences of texts that are short enough."""
        build, tokenizer = self._builder, self._tokenizer
        first_count = build.column(first.counts)
        first_end = build.op("Add", first_count, build.ints(1))  # where the first [SEP] stands
        ends = build.op("Add", first_end, build.ints(1))
        if second is not None:
            second_start = ends
            second_end = build.op("Add", second_start, build.column(second.counts))
            behind = build.op("Add", second_end, build.ints(1))
            ends = behind if has_second is None else build.op("Where", build.column(has_second), behind, ends)
        length = build.ints(self._static_length or 0)
        if self._static_length is None:
            length = build.op("ReduceMax", ends, keepdims=0)
        places = build.op("Unsqueeze", build.arange(length), build.ints([0]))
        cls, sep, pad = (
            build.ints(index) for index in (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
        )
        found = self._tokens(first, build.op("Sub", places, build.ints(1)))
        ids = build.op("Where", build.op("Less", places, first_end), found, sep)
        ids = build.op("Where", build.op("Equal", places, build.ints(0)), cls, ids)
        is_second = build.op("Less", places, build.ints(0))
        if second is not None:
            behind_first = build.op("GreaterOrEqual", places, second_start)
            found = self._tokens(second, build.op("Sub", places, second_start))
            found = build.op("Where", build.op("Less", places, second_end), found, sep)
            ids = build.op("Where", behind_first, found, ids)
            is_second = behind_first
        inside = build.op("Less", places, ends)
        ids = build.op("Where", inside, ids, pad)
        mask = build.op("Cast", inside, to=TensorProto.INT64)
        types = build.op("Mul", build.op("Cast", is_second, to=TensorProto.INT64), mask)
        if not tokenizer.gives_token_type_ids:
            types = build.op("Mul", types, build.ints(0))
        return Sequences(ids, mask, types)

    def _tokens(self, texts: TokenizedTexts, places: str) -> str:
        """The token at each place of each text, `[texts, places]`; any token for a place behind its end."""
        build = self._builder
        last = build.op("Sub", build.size(texts.ids, 0), build.ints(1))
        index = build.op("Add", build.column(texts.starts), places)
        index = build.op("Min", build.op("Max", index, build.ints(0)), last)
        return build.op("Gather", texts.ids, index)
