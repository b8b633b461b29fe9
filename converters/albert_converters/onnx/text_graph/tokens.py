"""TokenizedTexts: several texts as token ids in a graph, and the operators that split them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from albert_converters.onnx.text_graph.nodes import NodeBuilder
from albert_converters.onnx.text_graph.vocabulary import InGraphVocabulary

#: in the table of replaced ids: the id itself, and nothing
_ITSELF, _NOTHING = -2, -1


@dataclass(frozen=True)
class TokenizedTexts:
    """The token ids of several texts, one behind the other, without special tokens around them."""

    #: int64 `[tokens]`, with one padding id at the end, so that it is never empty
    ids: str
    #: int64 `[texts]`: where the tokens of each text begin
    starts: str
    #: int64 `[texts]`: how many they are
    counts: str


class InGraphTokenizer:
    """Splits texts with the operator SentencepieceTokenizer, which runs SentencePiece's own library."""

    def __init__(self, builder: NodeBuilder, vocabulary: InGraphVocabulary) -> None:
        self._builder = builder
        self._model = base64.b64encode(vocabulary.content)
        self._replaced = vocabulary.replaced
        no_sampling, no_weight, no = builder.ints([0]), builder.floats([0.0]), builder.bools([False])
        self._options = (no_sampling, no_weight, no, no, no)

    def split(self, texts: str) -> TokenizedTexts:
        """The tokens of `texts`, strings `[texts]`."""
        build = self._builder
        ids, offsets = build.extension("SentencepieceTokenizer", texts, *self._options, outputs=2, model=self._model)
        ids = build.op("Cast", ids, to=TensorProto.INT64)
        if self._replaced:
            ids, offsets = self._with_replaced(ids, offsets)
        starts = build.op("Slice", offsets, build.ints([0]), build.ints([-1]), build.ints([0]))
        ends = build.op("Slice", offsets, build.ints([1]), build.ints([2**31]), build.ints([0]))
        ids = build.op("Concat", ids, build.ints([0]), axis=0)
        return TokenizedTexts(ids, starts, build.op("Sub", ends, starts))

    def _with_replaced(self, ids: str, offsets: str) -> tuple[str, str]:
        """The ids with the runtime's in place of the model's own, and where each text begins then."""
        build = self._builder
        width = max(1, *map(len, self._replaced.values()))
        rows = np.zeros(max(self._replaced) + 2, np.int64)
        table = np.full((len(self._replaced) + 1, width), _NOTHING, np.int64)
        table[0, 0] = _ITSELF
        for row, (index, ids_instead) in enumerate(self._replaced.items(), start=1):
            rows[index] = row
            table[row, : len(ids_instead)] = ids_instead
        # Ids above the largest replaced one are taken as they are.
        row_of = build.op("Gather", build.ints(rows), build.op("Min", ids, build.ints(len(rows) - 1)))
        found = build.op("Gather", build.ints(table), row_of)
        found = build.op("Where", build.op("Equal", found, build.ints(_ITSELF)), build.column(ids), found)
        is_id = build.op("GreaterOrEqual", found, build.ints(0))
        flat = build.op("Reshape", found, build.ints([-1]))
        kept = build.op("Compress", flat, build.op("Reshape", is_id, build.ints([-1])))
        counts = build.op("ReduceSum", build.op("Cast", is_id, to=TensorProto.INT64), build.ints([1]), keepdims=0)
        sums = build.op("CumSum", build.op("Concat", build.ints([0]), counts, axis=0), build.ints(0))
        return kept, build.op("Gather", sums, offsets)
