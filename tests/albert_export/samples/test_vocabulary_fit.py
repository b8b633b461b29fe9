"""What a vocabulary shows about its languages, and how much of a text it does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sentencepiece import SentencePieceTrainer

from albert_export.demos import demo_checkpoint
from albert_export.samples.corpora import declaration, language_of
from albert_export.samples.vocabulary_fit import fit_of, fitting_languages, unknown_share
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import TASKS
from tests.conftest import VOCABULARY, BuiltOnce

TokenizerOf = Callable[..., AlbertTokenizer]


@pytest.fixture(scope="module")
def tokenizer_of(built_once: BuiltOnce) -> TokenizerOf:
    """A function of tags and settings: a tokenizer with a vocabulary trained on the declarations in these languages."""

    def make(tags: str, pieces: int = 1000, **settings: bool) -> AlbertTokenizer:
        lines = [line for tag in tags.split() for line in declaration(language_of(tag))]
        name = f"fit/{tags.replace(' ', '-')}-{pieces}"
        folder = built_once(name, lambda folder: train(folder, lines, pieces))
        return AlbertTokenizer(folder / "spiece.model", **settings)

    return make


def train(folder: Path, lines: Sequence[str], pieces: int) -> None:
    folder.mkdir(parents=True)
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(folder / "spiece"),
        vocab_size=pieces,
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )


def tags_of(tokenizer: AlbertTokenizer) -> list[str]:
    return [fit.language.tag for fit in fitting_languages(tokenizer)]


@pytest.mark.parametrize("settings", [{}, {"keep_accents": True}, {"do_lower_case": False}])
def test_googles_vocabulary_is_english(settings: dict[str, bool]) -> None:
    tokenizer = AlbertTokenizer(VOCABULARY, **settings)
    assert tags_of(tokenizer) == ["en"]
    [fit] = fitting_languages(tokenizer)
    assert fit.unknown < 0.02
    assert 4.5 < fit.characters_per_token < 5.5


@pytest.mark.parametrize("task", TASKS)
def test_small_vocabularies_that_spell_are_taken_for_english(task: str) -> None:
    assert tags_of(AlbertTokenizer.from_folder(demo_checkpoint(task))) == ["en"]


@pytest.mark.parametrize("tag", ["zh", "zh-Hant", "ja", "ko", "hi", "vi", "fa", "de", "ru", "ar", "th"])
def test_a_vocabulary_of_one_language(tag: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(tag, keep_accents=True, do_lower_case=False)
    assert tags_of(tokenizer) == [tag]
    assert fit_of(language_of(tag), tokenizer).unknown == 0


@pytest.mark.parametrize("tags", ["hi bn gu ta te en", "zh ja ko en", "fr de es"])
def test_a_vocabulary_of_several_languages(tags: str, tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of(tags, 1200 * len(tags.split()), keep_accents=True)
    assert set(tags_of(tokenizer)) >= set(tags.split())
    assert len(tags_of(tokenizer)) <= len(tags.split()) + 1  # zh brings zh-Hant, whose characters Japanese has
    fits = fitting_languages(tokenizer)
    assert fits == sorted(fits, key=lambda fit: fit.relative_tokens)


def test_letters_alone_of_another_script_show_that_script(tokenizer_of: TokenizerOf) -> None:
    assert tags_of(tokenizer_of("hi", 90, keep_accents=True)) == ["hi", "mr"]


def test_without_any_known_language_it_is_the_least_unknown_one(tmp_path: Path) -> None:
    train(tmp_path / "vocabulary", ["ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏴᏫ", "ᎠᏂᏴᏫ ᎤᎾᏓᏡᎬ", "ᎦᏬᏂᎯᏍᏗ"] * 4, 60)
    [fit] = fitting_languages(AlbertTokenizer(tmp_path / "vocabulary" / "spiece.model"))
    assert fit.unknown > 0.9


def test_shares_of_unknown_text() -> None:
    tokenizer = AlbertTokenizer(VOCABULARY)
    assert unknown_share(["All is known."], tokenizer) == 0
    assert unknown_share(["日本語"], tokenizer) == 1
    assert unknown_share(["abcd 日本"], tokenizer) == pytest.approx(2 / 6)
    assert unknown_share(["abcd", "日本 語語"], tokenizer) == pytest.approx(4 / 8)
    assert unknown_share([], tokenizer) == unknown_share([" \n", ""], tokenizer) == 0
