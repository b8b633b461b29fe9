"""Recipe: one way to quantize a model; and the order in which an export tries the recipes."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: the weight matrices of a shared layer, each named by the end of its path
MATRICES = ("attention.query", "attention.key", "attention.value", "attention.dense", "ffn", "ffn_output")
#: precision -> the largest number of matrices that may stay in a higher precision. With more of them, the file would
#: hardly be quantized any more, or would be as large as a file of the higher precision.
_MAX_KEPT = {"int8": 2, "int8-static": 2, "int4": 4}


@dataclass(frozen=True)
class Recipe:
    """How the shared layers are quantized. The defaults describe the simplest way."""

    name: str
    #: whether outlier channels, where there are any, are multiplied separately, and value channels are rescaled
    split: bool = False
    #: the number of inputs that share a scale; None for one scale for each output channel
    block: int | None = None
    #: which of `MATRICES` stay in a higher precision
    kept: tuple[str, ...] = ()

    def keeping(self, *matrices: str) -> Recipe:
        """The same recipe with these `matrices` in higher precision too."""
        kept = (*self.kept, *matrices)
        return replace(self, kept=kept, name=f"{self.name}; {', '.join(kept)} in higher precision")

    def keeps(self, weight: str) -> bool:
        """Whether the matrix called `weight` stays in higher precision."""
        return any(f".{matrix}." in f".{weight}." for matrix in self.kept)


#: for precisions that a better recipe cannot improve
PLAIN = (Recipe("plain"),)
PER_CHANNEL = Recipe("per-channel")
SPLIT = Recipe("outlier split", split=True)


def max_kept(precision: str) -> int:
    """How many matrices the recipe search may keep in a precision higher than `precision`."""
    return _MAX_KEPT.get(precision, 0)


def recipes_for(model_format: str, precision: str) -> tuple[Recipe, ...]:
    """The recipes of a format, "onnx" or "tflite", in the order they are tried.

    Each recipe makes a slower or a larger graph than the one before it.
    """
    return _RECIPES.get((model_format, precision), PLAIN)


_RECIPES = {
    ("onnx", "int8"): (PER_CHANNEL, SPLIT, Recipe("blocks of 128", split=True, block=128)),
    ("onnx", "int8-static"): (PER_CHANNEL, SPLIT),
    # 4 bits are too few for the weights of a whole channel, so even the first recipe uses blocks
    ("onnx", "int4"): (
        Recipe("blocks of 64", block=64),
        Recipe("outlier split", split=True, block=64),
        Recipe("blocks of 32", split=True, block=32),
    ),
    ("tflite", "int8"): (PER_CHANNEL, SPLIT),
    ("tflite", "int8-static"): (PER_CHANNEL, SPLIT),
    ("tflite", "int4"): (PER_CHANNEL, SPLIT),
}
