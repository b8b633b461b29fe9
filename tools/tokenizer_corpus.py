"""Writes what the Python tokenizer makes of many texts: `python -m tools.tokenizer_corpus FOLDER -o FILE`.

FOLDER is a bundle, or any folder with a tokenizer's files. FILE gets one JSON object a line, in ASCII:

    {"text": ..., "pair": ... or null, "ids": [...], "spans_utf16": [[start, end], ...]}

The texts are the samples and calibration texts of albert-export, the texts of golden vectors, texts made of random
Unicode and by hypothesis (the same ones each time), and those of --data, a folder of plain text, .tsv, .conll and
SQuAD files. Other runtimes compare their own tokens with them. The tool prints how many texts a second the tokenizer
takes. It needs hypothesis, one of the packages for tests.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from albert_export.samples.corpora import declaration
from albert_export.samples.languages import ENGLISH, LANGUAGES
from albert_export.samples.texts import corpus, sentences
from albert_export.utils.atomic_file import replacing
from albert_export.vectors.text_positions import utf16_spans
from albert_export.vectors.texts import PAIRS, PASSAGE, TEXTS
from albert_runtime import AlbertTokenizer
from albert_runtime.errors import AlbertError, UsageError

#: characters that tokenizers treat in a way of their own, so that made texts hold many of them
_HOSTILE = (
    " \t\n\r\u00a0\u3000\u2028\u200b\u200d\ufeff\u00ad\x00\x1f\x7f▁[]<>`'\"“”,.-()/0123456789²½٣४１"
    "aAbBzZéÉñçÅøŁßẞİıΣσςﬁﬀＡａｱ゙\u0301\u0300\u0323\u0327\u05b4\u064b\u0e31\u0e34한국어中文日本ひカ🇫🇷👍🏽❤️\u20e3𝔘𐍈\U0001f600"
)
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
#: what stands between two sentences of a file with a word in each line: empty lines, or ones that hold only tabs
_BETWEEN_SENTENCES = re.compile(r"\n\s*\n")
_TOKENS = (
    "[MASK]",
    "[CLS]",
    "[SEP]",
    "<unk>",
    "<pad>",
    "[UNK]",
    "[PAD]",
    "1999,",
    "2,000,",
    "``",
    "''",
    "don't",
    "##s",
)


def _known_characters() -> list[str]:
    """Characters that Unicode 13 and every later version assign, without surrogates."""
    plain = [chr(code) for code in range(0x20, 0x3000)] + [chr(code) for code in range(0xAC00, 0xD7A4, 7)]
    plain += [chr(code) for code in (*range(0x4E00, 0x9FF0, 5), *range(0xF900, 0xFFFE), *range(0x1F300, 0x1F650))]
    # Python 3.11 knows Unicode 14, older tables 3.2: what both know has not changed since.
    return [one for one in plain if unicodedata.ucd_3_2_0.category(one) != "Cn"]


def made_texts(count: int, seed: int = 0) -> Iterator[str]:
    """`count` texts of random characters that Unicode 13 and every later version assign; no lone surrogates."""
    numbers = random.Random(seed)
    known = _known_characters()
    for _ in range(count):
        parts = []
        for _ in range(numbers.randint(1, 24)):
            kind = numbers.random()
            parts.append(
                numbers.choice(_HOSTILE)
                if kind < 0.5
                else numbers.choice(known)
                if kind < 0.85
                else numbers.choice(_TOKENS)
            )
        yield "".join(parts)


def hypothesis_texts(count: int) -> list[str]:
    """At most `count` different texts that hypothesis makes of the same characters, and of lone surrogates.

    A high surrogate never stands before a low one: JSON could not tell the two from one character.
    """
    lone = st.sampled_from("\ud800\udbff\udc00\udfff")
    parts = st.sampled_from(_HOSTILE) | st.sampled_from(_known_characters()) | st.sampled_from(_TOKENS) | lone
    texts: dict[str, None] = {}
    if count < 1:  # hypothesis refuses to make none
        return []

    @seed(0)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(parts, max_size=40).map("".join))
    def collect(text: str) -> None:
        if not _SURROGATE_PAIR.search(text):
            texts[text] = None

    collect()
    return list(texts)


def data_texts(folder: Path) -> Iterator[str]:
    """The lines of every text file below `folder`, and the questions and contexts of SQuAD files.

    Raises:
        UsageError: it is no folder.
    """
    if not folder.is_dir():
        raise UsageError(f"--data {folder} is not a folder; give a folder of plain text, .tsv, .conll and SQuAD files")
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            content = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if file.suffix == ".json":
            for article in json.loads(content).get("data", ()):
                for paragraph in article["paragraphs"]:
                    yield paragraph["context"]
                    yield from (question["question"] for question in paragraph["qas"])
        elif file.suffix in (".conll", ".tsv"):
            for part in _BETWEEN_SENTENCES.split(content):
                yield " ".join(row.split()[0] for row in part.splitlines() if row.split())
        else:
            yield from content.splitlines()


def corpus_texts(data: Path | None, made: int) -> Iterator[tuple[str, str | None]]:
    """Every text and pair of the corpus, without repetition."""
    seen: set[tuple[str, str | None]] = set()
    own = [*TEXTS.values(), PASSAGE, *sentences(), *corpus()]
    own += [text for language in LANGUAGES if language != ENGLISH for text in declaration(language)]
    pairs: list[tuple[str, str | None]] = [*((text, None) for text in own), *PAIRS]
    more = [*made_texts(made), *hypothesis_texts(made), *_of(data)]
    for pair in (*pairs, *((text, None) for text in more)):
        if pair not in seen:
            seen.add(pair)
            yield pair


def _of(data: Path | None) -> Iterator[str]:
    return data_texts(data) if data is not None else iter(())


def write_corpus(tokenizer: AlbertTokenizer, texts: list[tuple[str, str | None]], file: Path) -> float:
    """Write the corpus to `file`; returns how many texts a second the tokenizer took."""
    began = time.perf_counter()
    encodings = [tokenizer(text, pair).encodings[0] for text, pair in texts]
    taken = time.perf_counter() - began
    with replacing(file) as part, part.open("w", encoding="ascii") as stream:
        for (text, pair), encoding in zip(texts, encodings, strict=True):
            spans = utf16_spans(encoding, text, pair)
            record = {"text": text, "pair": pair, "ids": encoding.ids, "spans_utf16": spans}
            stream.write(json.dumps(record) + "\n")
    return len(texts) / taken


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    assert __doc__
    parser = argparse.ArgumentParser(prog="python -m tools.tokenizer_corpus", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a bundle, or another folder with a tokenizer's files")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--data", type=Path, help="a folder with more texts")
    parser.add_argument(
        "--made", type=int, default=2000, help="how many texts of random Unicode, and of hypothesis  [default: 2000]"
    )
    parser.add_argument("--limit", type=int, help="take only so many texts of --data and all others together")
    chosen = parser.parse_args(arguments)
    try:
        tokenizer = AlbertTokenizer.from_folder(chosen.folder)
        texts = list(corpus_texts(chosen.data, chosen.made))[: chosen.limit]
        rate = write_corpus(tokenizer, texts, chosen.output)
    except AlbertError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps({"texts": len(texts), "texts_per_second": round(rate)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
