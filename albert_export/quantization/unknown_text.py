"""check_unknown_text: refuses texts that a vocabulary does not know, on which every graph would give equal answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from albert_export.samples.sample_texts import SUSPICIOUS, SampleTexts
from albert_export.samples.texts import Text
from albert_export.samples.vocabulary_fit import unknown_share
from albert_export.utils.evenly_spaced import evenly_spaced
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import UsageError

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset

#: The user knows his texts better than this check does, so his own are refused only if most of them is unknown.
MOSTLY_UNKNOWN = 0.5
#: the most texts of one kind that are looked at
_MAX_TEXTS = 200

logger = logging.getLogger("albert_export")


def check_unknown_text(
    tokenizer: AlbertTokenizer,
    samples: SampleTexts,
    texts: Sequence[Text],
    dataset: Dataset | None = None,
    *,
    precision: str,
) -> None:
    """Look at the texts that decide about a graph: how much of them the vocabulary does not know.

    A float32 graph gives equal answers to unknown text as well, but that says little about other text; so there is only
    a warning. Any other graph is refused if the bundled texts are unknown and the user gives none.

    Args:
        tokenizer: of the model.
        samples: the bundled texts that fit its vocabulary best.
        texts: the user's calibration data; empty if there are none.
        dataset: the user's labelled examples.
        precision: of the graph; "fp32" rounds nothing.

    Raises:
        UsageError: most of the user's text is unknown; or there is none, and a fifth of the bundled text is unknown.
    """
    own = {
        "the calibration data": [text for pair in evenly_spaced(texts, _MAX_TEXTS) for text in pair if text],
        "the labelled data": []
        if dataset is None
        else list(_strings([one.request for one in evenly_spaced(dataset.examples, _MAX_TEXTS)])),
    }
    for name, strings in own.items():
        share = unknown_share(strings, tokenizer)
        message = f"{share:.0%} of the text in {name} is unknown to the model's vocabulary"
        if share > MOSTLY_UNKNOWN:
            raise UsageError(
                f"{message}: answers to it say nothing about the model; give texts in the language and the characters "
                "that the model was trained with, or check that the vocabulary is the model's own"
            )
        if share > SUSPICIOUS:
            logger.warning("%s; is it text of the kind that the model was trained with?", message)
    if not samples.is_unknown:
        return
    message = (
        f"the model's vocabulary does not know any of the bundled languages: {samples.unknown:.0%} of the text in "
        f"{samples.description} is unknown to it, and no other corpus fits better"
    )
    if precision != "fp32" and not texts:
        raise UsageError(
            f"{message}. What {precision} loses can't be measured on such text; give --calibration-data FILE, UTF-8 "
            "text with a typical input of the model on each line, some dozens of them"
        )
    logger.warning("%s. The self-tests of the bundle are made of such text, so they are weak", message)


def _strings(value: Any) -> Iterator[str]:
    """All texts in requests: in a mapping, a list or a text itself."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)
