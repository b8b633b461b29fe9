"""The session of feature extraction: text to vectors."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.answers import Embedding
from albert_runtime.cached_property import cached_property
from albert_runtime.engines import Arrays
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.postprocessing.pooling import POOLINGS, EmbeddingOptions, pool, similarity
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text


class FeatureExtractionSession(AlbertSession):
    """Text -> vectors."""

    task = "feature-extraction"

    @cached_property
    def options(self) -> EmbeddingOptions:
        """How the bundle makes one vector of a text.

        If the checkpoint was a sentence-transformers folder, its files decided that. Otherwise the vector is the output
        of the pooler, or the mean of the tokens' vectors if the checkpoint had no pooler.
        """
        return EmbeddingOptions.from_manifest(self.manifest.embedding)

    def __call__(
        self, text: str, pooling: str | None = None, normalize: bool | None = None, max_length: int | None = None
    ) -> Embedding:
        """The embedding of the text. A text that is too long is cut off at the end.

        Args:
            text: the text.
            pooling: "cls", "mean" or "max" of the tokens' vectors, or "pooler" for the output of the model's pooler;
                None for what the bundle says.
            normalize: divide the vector by its length; None for what the bundle says.
            max_length: the most tokens, special tokens included; None for as many as the bundle allows.

        Raises:
            UsageError: the text is empty, or another argument is wrong.
        """
        return self._answer(self.prepare(text, pooling, normalize, max_length))

    def prepare(
        self, text: str, pooling: str | None = None, normalize: bool | None = None, max_length: int | None = None
    ) -> PreparedRequest[Embedding]:
        """See `AlbertSession.prepare`."""
        pooling = self.options.pooling if pooling is None else pooling
        if pooling not in POOLINGS:
            raise UsageError(f"pooling={pooling!r} is unknown; choose one of {', '.join(map(repr, POOLINGS))}")
        if pooling == "pooler" and "pooler_output" not in self.bundle.task.outputs:
            raise UsageError("the model has no pooler, so pooling can't be 'pooler'; choose 'cls', 'mean' or 'max'")
        unit_length = self.options.normalize if normalize is None else normalize
        text = check_text("text", text)
        if self.options.lower_case:
            text = text.strip().lower()
        encoding = self._encode(text, max_length=self._checked_length(max_length))

        def finish(outputs: Sequence[Arrays]) -> Embedding:
            tokens = outputs[0]["last_hidden_state"][: len(encoding)]
            return Embedding(pool(tokens, outputs[0].get("pooler_output"), pooling, normalize=unit_length), tokens)

        return PreparedRequest((encoding,), finish)

    def similarity(self, first: Embedding, second: Embedding) -> float:
        """How similar two embeddings are: the cosine of their vectors, unless the bundle names another function.

        Raises:
            UsageError: the vectors have different lengths.
        """
        return similarity(first.vector, second.vector, self.options.similarity)

    def _check_parts_fit(self) -> None:
        super()._check_parts_fit()
        # Reading the options refuses what this runtime does not know.
        if self.options.pooling == "pooler" and "pooler_output" not in self.bundle.task.outputs:
            raise BundleError(f"the manifest of {self.bundle.folder} asks for a pooler, which the graph does not have")

    def _checked_length(self, max_length: int | None) -> int | None:
        if max_length is None:
            return None
        check_count("max_length", max_length, least=3)  # [CLS], one token of the text, [SEP]
        if max_length > self.max_length:
            raise UsageError(f"max_length={max_length} is too long; the model takes at most {self.max_length} tokens")
        return max_length
