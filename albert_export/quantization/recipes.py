"""Recipe: one way to quantize a model; and the order in which recipes are tried."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: the matrices of a shared layer, by the path that ends in them
MATRICES = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
#: precision -> the most matrices that may stay in a higher one: beyond that, a file is hardly quantized any more, or as
#: large as that of the higher precision
_MOST_KEPT = {"int8": 2, "int8-static": 2, "int4": 4}


@dataclass(frozen=True)
class Recipe:
    """How the shared layers are quantized, from the plainest way on."""

    name: str
    #: outlier channels, where there are any, are multiplied apart, and values rescaled
    split: bool = False
    #: inputs that share a scale; None for one scale for each output channel
    block: int | None = None
    #: which of `MATRICES` stay in higher precision
    kept: tuple[str, ...] = ()

    def keeping(self, *matrices: str) -> Recipe:
        """The same with more `matrices` in higher precision."""
        kept = (*self.kept, *matrices)
        return replace(self, kept=kept, name=f"{self.name}; {', '.join(kept)} in higher precision")

    def keeps(self, weight: str) -> bool:
        """Whether the matrix called `weight` stays in higher precision."""
        return any(f".{matrix}." in f".{weight}." for matrix in self.kept)


def most_kept(precision: str) -> int:
    """How many matrices a ladder may keep in a precision higher than `precision`."""
    return _MOST_KEPT.get(precision, 0)


#: precisions that nothing is to be gained for by a better recipe
PLAIN = (Recipe("plain"),)
PER_CHANNEL = Recipe("per-channel")
SPLIT = Recipe("outlier split", split=True)


def recipes_for(model_format: str, precision: str) -> tuple[Recipe, ...]:
    """The ladder for "onnx" or "tflite": recipes in the order they are tried, each slower or larger than the last."""
    return _LADDERS.get((model_format, precision), PLAIN)


_LADDERS = {
    ("onnx", "int8"): (PER_CHANNEL, SPLIT, Recipe("blocks of 128", split=True, block=128)),
    ("onnx", "int8-static"): (PER_CHANNEL, SPLIT),
    # 4 bits hold too little for a whole channel: blocks from the start
    ("onnx", "int4"): (
        Recipe("blocks of 64", block=64),
        Recipe("outlier split", split=True, block=64),
        Recipe("blocks of 32", split=True, block=32),
    ),
    ("tflite", "int8"): (PER_CHANNEL, SPLIT),
    ("tflite", "int8-static"): (PER_CHANNEL, SPLIT),
    ("tflite", "int4"): (PER_CHANNEL, SPLIT),
}
