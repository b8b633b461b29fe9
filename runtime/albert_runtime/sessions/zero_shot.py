"""Zero-shot classification: the labels are given with each text, and a model for natural language inference judges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Label
from albert_runtime.batching import BatchMixin
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import zero_shot
from albert_runtime.postprocessing.probabilities import check_label_count
from albert_runtime.session import AlbertSession, PreparedRequest, check_text
from albert_runtime.sessions.text_classification import TextClassificationSession
from albert_runtime.tokenization.encoding import Encoding

_TEMPLATE = "This example is {}."


class ZeroShotClassifier(BatchMixin):
    """A text and any labels -> how well each label fits the text.

    The model must have been trained for natural language inference (NLI): it judges whether the text entails a
    hypothesis such as "This example is about sport.", one for each label (Yin et al. 2019). The answers are those of
    Hugging Face's zero-shot-classification pipeline.

    As with a session, a list of texts gives a list of answers, and a generator an iterator: `classify(texts, labels)`.
    `map` has the options for that; there, a request may also be a pair of a text and its own labels.

    Args:
        session: the session of a text-classification bundle of an NLI model.
        entailment: the label of the model that means entailment; None for the one that begins with
            "entail".

    Raises:
        UsageError: it is a session for another task, or none of its labels means entailment.
    """

    _shared_arguments = ("candidate_labels", "hypothesis_template", "multi_label")

    def __init__(self, session: AlbertSession, *, entailment: str | None = None) -> None:
        if not isinstance(session, TextClassificationSession):
            task = session.task if isinstance(session, AlbertSession) else type(session).__name__
            raise UsageError(
                f"zero-shot classification needs a session of a text-classification bundle, not of {task}; "
                'export an NLI model with "--task text-classification"'
            )
        self.session = session
        self.manifest = session.manifest
        labels = session.manifest.labels
        found = _find(labels, "entail") if entailment is None else _find(labels, entailment.lower())
        if found is None or len(labels) < 2:
            raise UsageError(
                f"the labels of {session.bundle.folder} are {', '.join(labels)}; "
                + ("none of them means entailment" if found is None else "zero-shot classification needs two or more")
                + ". Use a model for natural language inference (MNLI, SNLI, ANLI). If it is one whose labels have no "
                'names, say which one means entailment: ZeroShotClassifier(session, entailment="LABEL_2")'
            )
        self._entailment = found
        # Models without a label of that name have the one for contradiction first or last, as Hugging Face's pipeline
        # assumes of every model.
        opposite = _find(labels, "contradict")
        if opposite is None or opposite == found:
            opposite = len(labels) - 1 if found == 0 else 0
        self._contradiction = opposite

    def __call__(
        self,
        text: str,
        candidate_labels: str | Sequence[str],
        hypothesis_template: str = _TEMPLATE,
        multi_label: bool = False,
    ) -> tuple[Label, ...]:
        """Every candidate label with its score, best first. If the text is too long, it is cut off at the end.

        Args:
            text: the text.
            candidate_labels: the labels, as a list or as one text with commas between them.
            hypothesis_template: the sentence that the text may entail, with {} in place of the label.
            multi_label: several labels may apply, so each score is a probability by itself. If False, the scores of all
                labels sum to 1.

        Raises:
            UsageError: the text or a label is empty, there are no labels, or the template has no {}.
        """
        return self._answer(self.prepare(text, candidate_labels, hypothesis_template, multi_label))

    def prepare(
        self,
        text: str,
        candidate_labels: str | Sequence[str],
        hypothesis_template: str = _TEMPLATE,
        multi_label: bool = False,
    ) -> PreparedRequest[tuple[Label, ...]]:
        """See `AlbertSession.prepare`: one sequence for each candidate label."""
        labels = _checked_labels(candidate_labels)
        hypotheses = [_hypothesis(hypothesis_template, label) for label in labels]

        def finish(outputs: Sequence[Arrays]) -> tuple[Label, ...]:
            logits = np.stack([output["logits"] for output in outputs])
            check_label_count(logits, self.manifest.labels)
            return zero_shot(
                logits,
                labels,
                entailment=self._entailment,
                contradiction=self._contradiction,
                multi_label=multi_label,
            )

        return PreparedRequest(tuple(self.session.encode_pair(text, one) for one in hypotheses), finish)

    def run_batch(self, encodings: Sequence[Encoding]) -> list[Arrays]:
        """See `AlbertSession.run_batch`."""
        return self.session.run_batch(encodings)

    def runs_at_once(self, tokens: int) -> int:
        """See `BatchMixin.runs_at_once`."""
        return self.session.runs_at_once(tokens)

    def _answer(self, prepared: PreparedRequest[tuple[Label, ...]]) -> tuple[Label, ...]:
        return prepared.finish(list(self.session.run_each(prepared.encodings)))


def _find(labels: Sequence[str], beginning: str) -> int | None:
    return next((index for index, label in enumerate(labels) if label.lower().startswith(beginning)), None)


def _checked_labels(candidate_labels: str | Sequence[str]) -> list[str]:
    if isinstance(candidate_labels, str):
        labels = [label.strip() for label in candidate_labels.split(",") if label.strip()]
    elif isinstance(candidate_labels, Sequence):
        labels = [check_text(f"candidate_labels[{index}]", label) for index, label in enumerate(candidate_labels)]
    else:
        raise UsageError(f"candidate_labels must be a list of texts, not {type(candidate_labels).__name__}")
    if not labels:
        raise UsageError("candidate_labels is empty; give one label or more")
    return labels


def _hypothesis(template: str, label: str) -> str:
    try:
        hypothesis = template.format(label)
    except (AttributeError, IndexError, KeyError, ValueError):
        hypothesis = template
    if hypothesis == template:
        raise UsageError(
            f"hypothesis_template must be a sentence with {{}} in place of the label, such as {_TEMPLATE!r}, "
            f"not {template!r}"
        )
    return hypothesis
