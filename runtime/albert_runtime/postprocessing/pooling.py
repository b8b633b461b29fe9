"""Pooling: the vectors of a text's tokens -> one vector of the text; and the similarity of two such vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.errors import BundleError, UsageError, listed
from albert_runtime.postprocessing.probabilities import finite

Vector = NDArray[np.float32]

#: a vector is divided by its length only down to this length, as torch.nn.functional.normalize does
_LEAST_LENGTH = 1e-12
#: "pooler" is the output of the model's own pooler, which no function here computes
POOLINGS = ("pooler", "cls", "mean", "max")


@dataclass(frozen=True)
class EmbeddingOptions:
    """How a text becomes one vector: the field `embedding` of a manifest. The defaults hold for a plain checkpoint."""

    #: one of POOLINGS
    pooling: str = "pooler"
    #: divide the vector by its length
    normalize: bool = False
    #: strip and lower-case the text before the tokenizer reads it, as sentence-transformers' `do_lower_case` says
    lower_case: bool = False
    #: one of SIMILARITIES
    similarity: str = "cosine"

    @classmethod
    def from_manifest(cls, record: Mapping[str, Any]) -> EmbeddingOptions:
        """The options in the field `embedding` of a manifest; what is absent has its default.

        Raises:
            BundleError: an option is unknown, so that this runtime would pass over it, or has a wrong value.
        """
        known = {one.name: (True, False) for one in fields(cls)} | {"pooling": POOLINGS, "similarity": _NAMES}
        problems = [
            f"{name} is {value!r}"
            + (f"; it must be one of {', '.join(map(str, known[name]))}" if name in known else "")
            for name, value in record.items()
            if value not in known.get(name, ())
        ]
        if problems:
            raise BundleError(
                listed("the manifest's \"embedding\" asks for what this runtime can't do:", problems)
                + "\nupgrade the runtime: pip install --upgrade albert-runtime"
            )
        return cls(**record)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON types."""
        return asdict(self)


def pool(tokens: NDArray[Any], pooler_output: NDArray[Any] | None, pooling: str, *, normalize: bool) -> Vector:
    """The vector of a text, float32 `[hidden]`.

    Args:
        tokens: the last hidden state of the text with [CLS] and [SEP] and without padding, `[sequence, hidden]`.
        pooler_output: the output of the model's pooler, `[hidden]`; None if it has none.
        pooling: "pooler" for `pooler_output`; "cls" for the first token, "mean" and "max" for the mean and the largest
            value of each number over all tokens, as in sentence-transformers.
        normalize: divide the vector by its length (L2 norm).

    Raises:
        UsageError: there is no such pooling.
    """
    if pooling == "pooler" and pooler_output is not None:
        vector = np.asarray(pooler_output)
    elif pooling == "cls":
        vector = tokens[0]
    elif pooling == "mean":
        vector = tokens.mean(axis=0, dtype=np.float64)
    elif pooling == "max":
        vector = tokens.max(axis=0)
    else:
        raise UsageError(f"pooling={pooling!r} is unknown; choose one of {', '.join(map(repr, POOLINGS))}")
    if normalize:
        vector = vector / max(float(np.linalg.norm(vector.astype(np.float64))), _LEAST_LENGTH)
    return vector.astype(np.float32)


def cosine(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The cosine of the angle between two vectors, from -1 to 1."""
    lengths = (max(float(np.linalg.norm(vector)), _LEAST_LENGTH) for vector in (left, right))
    return float(left @ right / np.prod(list(lengths)))


def dot(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The dot product of two vectors."""
    return float(left @ right)


def euclidean(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The negative Euclidean distance of two vectors, so that more similar vectors have a larger value."""
    return -float(np.linalg.norm(left - right))


def manhattan(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The negative Manhattan distance of two vectors, so that more similar vectors have a larger value."""
    return -float(np.abs(left - right).sum())


#: the name in sentence-transformers ("similarity_fn_name") -> the function
SIMILARITIES: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], float]] = {
    "cosine": cosine,
    "dot": dot,
    "euclidean": euclidean,
    "manhattan": manhattan,
}
_NAMES = tuple(SIMILARITIES)


def similarity(left: NDArray[Any], right: NDArray[Any], name: str) -> float:
    """How similar two vectors are, by the function called `name`, one of SIMILARITIES.

    Raises:
        UsageError: the vectors have different lengths.
    """
    if left.shape != right.shape:
        raise UsageError(
            f"the vectors have {left.shape[-1]} and {right.shape[-1]} numbers; compare embeddings of the same model"
        )
    return SIMILARITIES[name](finite(left), finite(right))
