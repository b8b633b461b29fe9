"""Entry: what the page shows of one bundle or peer, in the units that it shows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Latency:
    """The time of one run, in milliseconds."""

    median: float
    #: the 95th percentile
    p95: float | None = None
    #: what the matrix products take at the processor's peak
    limit: float | None = None

    @property
    def times_limit(self) -> float | None:
        """How many times the limit the median is."""
        return None if not self.limit else self.median / self.limit


@dataclass(frozen=True)
class Entry:
    """One row of every table and chart. A figure that was not measured is None; an MB is 1,000,000 bytes."""

    name: str
    #: "onnx" or "tflite" for bundles of this format, "peer" for other tools
    family: str
    engine: str
    precision: str
    file_mb: float | None = None
    load_ms: float | None = None
    #: from the start of the process to the first answer
    first_answer_ms: float | None = None
    #: resident after the load and one run, less what the imports need
    memory_mb: float | None = None
    #: the same until the last run, at its highest
    peak_mb: float | None = None
    #: a question of a file with its passage, from the texts to the answer
    question_ms: float | None = None
    #: lines of a file, one after the other and in batches
    texts_per_second: float | None = None
    batched_texts_per_second: float | None = None
    #: length in tokens -> the time of a run
    latency: dict[int, Latency] = field(default_factory=dict)
