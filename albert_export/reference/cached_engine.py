"""CachedEngine: an engine that keeps what it has computed, since several checks ask a reference model the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from albert_export.reference.padded_batches import padded_batches
from albert_runtime.engines import Arrays, Engine
from albert_runtime.tasks import Task

#: the most bytes of outputs that are kept; the outputs of all other inputs are computed again
_MOST_BYTES = 32 << 20
#: the most bytes of outputs that are computed ahead, beside those that are kept
_AHEAD_BYTES = 32 << 20
#: the most tokens that are computed ahead: with more of them, the batches would hardly be padded less; and as long as
#: the size of the outputs is not known
_AHEAD_TOKENS = 16_384
_FIRST_TOKENS = 512

_Key = tuple[tuple[str, tuple[int, ...], bytes], ...]


class CachedEngine:
    """Runs another engine, once for each of the first different inputs. The arrays that it returns are read-only.

    Args:
        engine: the engine that computes. If it has a method `run_all`, that one computes batches.
        most_bytes: the most bytes of outputs to keep.
        task: the task of the graph; without it, nothing is computed ahead.
        pad_id: the token id that fills up the sequences of a batch.
    """

    def __init__(
        self, engine: Engine, most_bytes: int = _MOST_BYTES, *, task: Task | None = None, pad_id: int = 0
    ) -> None:
        self.name, self.version = engine.name, engine.version
        self.input_names, self.output_names = engine.input_names, engine.output_names
        self._engine = engine
        self._task = task
        self._pad_id = pad_id
        self._room = most_bytes
        self._outputs: dict[_Key, Arrays] = {}
        #: what was computed ahead and not asked yet
        self._ahead: dict[_Key, Arrays] = {}
        #: the largest number of bytes that the outputs for a token had; 0 before anything was computed
        self._bytes_per_token = 0.0

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs for `inputs`; see `Engine.run`."""
        key = self._key(inputs)
        if key in self._outputs:
            return dict(self._outputs[key])
        outputs = self._ahead.pop(key, None) or self._engine.run(inputs)
        size = sum(array.nbytes for array in outputs.values())
        self._bytes_per_token = max(self._bytes_per_token, size / inputs[self.input_names[0]].size)
        if size <= self._room:
            self._room -= size
            for array in outputs.values():
                array.setflags(write=False)
            self._outputs[key] = dict(outputs)
        return outputs

    @property
    def tokens_ahead(self) -> int:
        """How many tokens `run_ahead` should get at once, so that their outputs don't take too much memory.

        It is 0 if nothing can be computed ahead.
        """
        if self._task is None:
            return 0
        if not self._bytes_per_token:
            return _FIRST_TOKENS
        return min(_AHEAD_TOKENS, int(_AHEAD_BYTES / self._bytes_per_token))

    def run_ahead(
        self, many: Iterable[Mapping[str, NDArray[Any]]], done: Callable[[float], None] = lambda share: None
    ) -> None:
        """Compute the outputs for `many` inputs in batches, for the calls of `run` that follow.

        A row of a batch gives the outputs that its sequence would give alone, except for rounding. What an earlier
        call has computed and nobody has asked is forgotten.

        Args:
            many: the inputs of single runs, each with the batch size 1.
            done: called after each batch with the share of all tokens that is computed, from 0 to 1.
        """
        self._ahead.clear()
        task = self._task
        if task is None:
            return
        keys = {self._key(inputs): inputs for inputs in many}
        new = {key: inputs for key, inputs in keys.items() if key not in self._outputs}
        # Which beams are kept may depend on the padding, so sequences of beam search are batched with their equals.
        batches = padded_batches(list(new.values()), pad_id=self._pad_id, same_length=task.aligned != "")
        order = list(new)
        all_tokens, tokens = sum(batch.inputs["input_ids"].size for batch in batches), 0
        results = self._run_all([batch.inputs for batch in batches])
        for batch, outputs in zip(batches, results, strict=True):
            tokens += batch.inputs["input_ids"].size
            done(tokens / all_tokens)
            for index, alone in batch.split(outputs, task):
                self._ahead[order[index]] = alone

    def _run_all(self, batches: Sequence[Arrays]) -> Iterable[Arrays]:
        run_all = getattr(self._engine, "run_all", None)
        return map(self._engine.run, batches) if run_all is None else run_all(batches)

    def _key(self, inputs: Mapping[str, NDArray[Any]]) -> _Key:
        return tuple((name, inputs[name].shape, inputs[name].tobytes()) for name in self.input_names)
