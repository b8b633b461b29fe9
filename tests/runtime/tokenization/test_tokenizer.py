from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from albert_runtime.errors import UnsupportedError, UsageError
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

VOCABULARY = Path(__file__).parents[2] / "fixtures" / "albert" / "spiece.model"


@pytest.fixture(scope="module")
def tokenizer() -> AlbertTokenizer:
    return AlbertTokenizer(VOCABULARY)


def test_known_ids(tokenizer: AlbertTokenizer) -> None:
    assert tokenizer.encode("This is a test", add_special_tokens=False) == [48, 25, 21, 1289]
    assert tokenizer.encode("The quick brown fox jumps over the lazy dog.") == [
        2, 14, 2231, 886, 2385, 17659, 84, 14, 16792, 1952, 9, 3,
    ]  # fmt: skip
    assert tokenizer.vocab_size == 30000


def test_special_ids(tokenizer: AlbertTokenizer) -> None:
    names = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{name}_token_id") for name in names] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("in 1999, or 9,9", ["▁in", "▁1999", ",", "▁or", "▁9", ",", "9"]),
        ("1,000,", ["▁1,000", ","]),
        ("``hi''", ["▁", '"', "hi", '"']),
        ("Ünïcödé", ["▁unicode"]),
        (" \t two\u3000words \n", ["▁two", "▁words"]),
        ("a  [MASK] b", ["▁a", "[MASK]", "▁b"]),
        ("[CLS]a[SEP]", ["[CLS]", "▁a", "[SEP]"]),
        ("[cls]", ["▁[", "cl", "s", "]"]),
        ("a <PAD> <UNK> b", ["▁a", "<pad>", "<unk>", "▁b"]),  # lower-cased before special tokens are searched for
        ("ΑΣ", ["▁", "ασ"]),  # each character is lower-cased alone, so there is no final sigma
        ("A\U0001d6ba", ["▁a", "ς"]),  # a character that NFKD produces is lower-cased together with its neighbours
        ("", []),
        (" \n\t", []),
        ("\u0301", []),
    ],
)
def test_tokens(tokenizer: AlbertTokenizer, text: str, tokens: list[str]) -> None:
    assert tokenizer.tokenize(text) == tokens


def test_options_change_the_tokens() -> None:
    assert AlbertTokenizer(VOCABULARY, do_lower_case=False).tokenize("<PAD>") != ["<pad>"]
    assert AlbertTokenizer(VOCABULARY, keep_accents=True).tokenize("café") == ["▁ca", "f", "é"]
    assert AlbertTokenizer(VOCABULARY).tokenize("café") == ["▁cafe"]


def test_pair_layout(tokenizer: AlbertTokenizer) -> None:
    [encoding] = tokenizer("a b", "c").encodings
    assert encoding.tokens == ("[CLS]", "▁a", "▁b", "[SEP]", "▁c", "[SEP]")
    assert encoding.type_ids == (0, 0, 0, 0, 1, 1)
    assert encoding.sequence_ids == (None, 0, 0, None, 1, None)
    assert encoding.special_tokens_mask == tuple(int(sequence is None) for sequence in encoding.sequence_ids)
    ids = [tokenizer.encode(text, add_special_tokens=False) for text in ("a b", "c")]
    assert list(encoding.ids) == tokenizer.build_inputs_with_special_tokens(*ids)
    assert list(encoding.type_ids) == tokenizer.create_token_type_ids_from_sequences(*ids)
    assert list(encoding.special_tokens_mask) == tokenizer.get_special_tokens_mask(*ids)
    assert tokenizer.get_special_tokens_mask(encoding.ids, already_has_special_tokens=True) == list(
        encoding.special_tokens_mask
    )


def test_words(tokenizer: AlbertTokenizer) -> None:
    [encoding] = tokenizer("unaffable (1999, [MASK] x", add_special_tokens=False).encodings
    words: dict[int | None, str] = {}
    for token, word in zip(encoding.tokens, encoding.word_ids, strict=True):
        words[word] = words.get(word, "") + token
    assert words == {0: "▁unaffable", 1: "▁(1999,", 2: "[MASK]", 3: "▁x"}


def test_forms_of_input(tokenizer: AlbertTokenizer) -> None:
    assert tokenizer("a")["input_ids"] == tokenizer(["a"])["input_ids"][0]
    assert tokenizer(["a", "b"], ["c", "d"])["input_ids"][1] == tokenizer("b", "d")["input_ids"]
    assert tokenizer([])["input_ids"] == []
    assert dict(**tokenizer("a")).keys() == {"input_ids", "attention_mask", "token_type_ids"}


def test_to_arrays(tokenizer: AlbertTokenizer) -> None:
    batch = tokenizer(["a", "a longer text"], padding=True)
    arrays = batch.to_arrays(np.int32)
    assert {name: (array.shape, array.dtype) for name, array in arrays.items()} == dict.fromkeys(
        ("input_ids", "attention_mask", "token_type_ids"), ((2, 5), np.dtype(np.int32))
    )
    assert arrays["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert tokenizer("a").to_arrays()["input_ids"].shape == (1, 3)
    with pytest.raises(UsageError, match=r"between 3 and 5 tokens.*padding=True"):
        tokenizer(["a", "a longer text"]).to_arrays()


@pytest.mark.parametrize(
    ("options", "length"),
    [
        ({"padding": "max_length", "max_length": 9}, 9),
        ({"padding": "max_length"}, 512),
        ({"padding": True, "pad_to_multiple_of": 8}, 8),
        ({"padding": "longest"}, 3),
        ({"padding": "max_length", "max_length": 2}, 3),
    ],
)
def test_padding(tokenizer: AlbertTokenizer, options: dict[str, object], length: int) -> None:
    [encoding] = tokenizer("a", **options).encodings
    assert len(encoding) == length
    assert encoding.ids[3:] == (0,) * (length - 3)
    assert encoding.special_tokens_mask[3:] == (1,) * (length - 3)


def test_decode(tokenizer: AlbertTokenizer) -> None:
    ids = tokenizer.encode("Hello [MASK], 漢 world")
    assert tokenizer.decode(ids) == "[CLS] hello[MASK] , <unk> world[SEP]"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hello ,  world"
    assert tokenizer.decode([]) == ""
    with pytest.raises(UsageError, match="-1, 30000 are not in the vocabulary of 30000"):
        tokenizer.decode([5, -1, 30000])


def test_save_vocabulary(tokenizer: AlbertTokenizer, tmp_path: Path) -> None:
    copy = tokenizer.save_vocabulary(tmp_path)
    assert copy.read_bytes() == VOCABULARY.read_bytes()
    assert AlbertTokenizer(copy).save_vocabulary(tmp_path) == copy  # the source and the target are the same file
    with pytest.raises(UsageError, match="can't copy"):
        tokenizer.save_vocabulary(tmp_path / "absent")


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((None,), {}, "text is a NoneType"),
        ((["a", 3, None],), {}, r"text\[1\] is a int\n.*text\[2\] is a NoneType"),
        (("a", ["b"]), {}, "two texts, or two lists"),
        ((["a"], "b"), {}, "two texts, or two lists"),
        ((["a"], ["b", "c"]), {}, "1 texts and 2 in text_pair"),
        ((b"bytes",), {}, "text is a bytes"),
        (("a",), {"truncation": "best"}, "'best' is unknown; choose"),
        (("a",), {"padding": "left"}, "'left' is unknown; choose"),
        (("a",), {"truncation": "only_second"}, "needs a text_pair"),
        (("a", "b"), {"truncation": True, "return_overflowing_tokens": True}, "choose truncation='only_second'"),
        (("a",), {"truncation": True, "max_length": 2}, "no room for text: the special tokens take 2"),
        (("a",), {"truncation": True, "max_length": 0}, "must be 1 or more"),
        (("a",), {"stride": -1}, "stride=-1"),
        (("a",), {"padding": True, "pad_to_multiple_of": 0}, "pad_to_multiple_of=0"),
        (("a",), {"truncation": True, "max_length": 9, "padding": "max_length", "pad_to_multiple_of": 8}, "multiple"),
    ],
)
def test_wrong_requests(
    tokenizer: AlbertTokenizer, arguments: tuple[object, ...], options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tokenizer(*arguments, **options)


def test_tokenize_refuses_other_types(tokenizer: AlbertTokenizer) -> None:
    with pytest.raises(UsageError, match="NoneType"):
        tokenizer.tokenize(None)  # type: ignore[arg-type]


def test_no_limit() -> None:
    tokenizer = AlbertTokenizer(VOCABULARY, model_max_length=10**30)
    assert len(tokenizer("a " * 1000, truncation=True).encodings[0]) == 1002
    with pytest.raises(UsageError, match="needs max_length"):
        tokenizer("a", padding="max_length")


@pytest.mark.parametrize(
    "text", ["a\ud800b", "\udfff", "a\x00b", "\x01\x1f\x7f", "\ufffe\uffff", "a" * 100_000, "漢" * 50_000]
)
def test_odd_texts_have_tokens_and_spans(tokenizer: AlbertTokenizer, text: str) -> None:
    [encoding] = tokenizer(text, add_special_tokens=False).encodings
    assert len(encoding.ids) == len(encoding.offsets)
    assert all(0 <= start <= end <= len(text) for start, end in encoding.offsets)
    assert list(encoding.ids) == tokenizer.encode(
        "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text),
        add_special_tokens=False,
    )


def test_time_grows_with_length_only(tokenizer: AlbertTokenizer) -> None:
    text = "The quick (brown) fox, in 1999, jumped over “naïve” dogs. " * 10_000
    start = time.process_time()
    [encoding] = tokenizer(text).encodings
    # 100,000 words take about 2 s; a quadratic algorithm would take hours.
    assert time.process_time() - start < 60
    assert len(encoding) > 100_000


def test_threads_may_share_it(tokenizer: AlbertTokenizer) -> None:
    texts = [f"Thread {number} says “{number * 37},” (naïvely)." for number in range(200)]
    expected = [tokenizer(text).encodings for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert [batch.encodings for batch in pool.map(tokenizer, texts)] == expected


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("content", [b"", b"not a model\n" * 50, _truncated(VOCABULARY.read_bytes()), b"\x00" * 64])
def test_damaged_model(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "spiece.model"
    file.write_bytes(content)
    with pytest.raises(UnsupportedError, match=r"is not a SentencePiece model, or is damaged; copy|is empty"):
        AlbertTokenizer(file)


def test_missing_model(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"spiece\.model can't be read \(No such file"):
        AlbertTokenizer.from_folder(tmp_path)


def test_special_tokens_that_are_no_pieces_stand_behind_them(tmp_path: Path) -> None:
    """As in Hugging Face's slow tokenizer: in the order of the roles, with the first free ids."""
    # The same model with other names, of equal length, for two of its pieces.
    file = tmp_path / "spiece.model"
    file.write_bytes(VOCABULARY.read_bytes().replace(b"[SEP]", b"[sep]").replace(b"[MASK]", b"[mask]"))
    tokenizer = AlbertTokenizer(file)
    assert (tokenizer.sep_token_id, tokenizer.mask_token_id, len(tokenizer)) == (30000, 30001, 30002)
    assert tokenizer.encode("a [MASK]") == [2, 21, 30001, 30000]
