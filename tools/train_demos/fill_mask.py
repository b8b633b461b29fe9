"""Fill-mask: facts and everyday knowledge, with one word masked."""

from __future__ import annotations

from random import Random
from typing import Any

from torch import Tensor, nn

from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from tools.train_demos.batches import IGNORED, pad, pad_labels
from tools.train_demos.demo import Demo, Example
from tools.train_demos.knowledge import RELATIONS
from tools.train_demos.templates import fill
from tools.train_demos.words import Words

MASK = "[MASK]"
WORD_START = "▁"


class FillMaskDemo(Demo):
    """Fills in one masked word, which the rest of the sentence determines."""

    task = "fill-mask"
    summary = "It fills in one masked word: capitals, opposites, colours, what animals do, and other school knowledge."
    limits = (
        "It knows about 250 pairs of words, such as `paris` and `france`, each in six to ten kinds of sentences. What "
        "is "
        "neither among its pairs nor put in one of these ways is guessed. A mask stands for one whole word."
    )
    vocabulary_size = 1400
    hidden_size = 96
    passes = 2
    embedding_range = 0.12
    steps = 1500
    batch_size = 64
    learning_rate = 3e-3
    shown = (
        Example({"text": "Paris is the capital of [MASK]."}, "france"),
        Example({"text": "The opposite of hot is [MASK]."}, "cold"),
    )

    def make(self, rng: Random, side: Words, progress: float) -> Example:
        while True:
            relation = rng.choice(RELATIONS)
            pair = rng.randrange(len(relation.pairs))
            sentence = rng.randrange(len(relation.sentences))
            masked = rng.choice(relation.masked)
            # One in six sentences about a pair is held out. The model learns the pair from the other sentences.
            if ((pair + sentence + 3 * (masked == "b")) % 6 == 0) == side.held_out:
                break
        words = dict(zip("ab", relation.pairs[pair], strict=True))
        answer = words[masked].lower()
        text, _ = fill(relation.sentences[sentence], words | {masked: MASK})
        return Example({"text": text}, answer, fill(relation.sentences[sentence], words)[0])

    def texts(self, example: Example) -> list[str]:
        return [example.target]

    def loss(self, model: nn.Module, tokenizer: AlbertTokenizer, examples: list[Example], rng: Random) -> Tensor:
        encodings = tokenizer([example.inputs["text"] for example in examples]).encodings
        rows = []
        for encoding, example in zip(encodings, examples, strict=True):
            (word,) = tokenizer.convert_tokens_to_ids([WORD_START + example.expected])
            rows.append([word if token == tokenizer.mask_token_id else IGNORED for token in encoding.ids])
        return model(**pad(encodings), labels=pad_labels(rows)).loss

    def answer(self, model: nn.Module, tokenizer: AlbertTokenizer, inputs: dict[str, Any]) -> str:
        encoding = tokenizer(inputs["text"]).encodings[0]
        logits = model(**pad([encoding])).logits[0, encoding.ids.index(tokenizer.mask_token_id)]
        (piece,) = tokenizer.convert_ids_to_tokens([int(logits.argmax())])
        return piece.removeprefix(WORD_START)
