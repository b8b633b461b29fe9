"""The texts of golden vectors: ordinary ones, and ones that tokenizers often get wrong."""

from __future__ import annotations

from collections.abc import Mapping

#: what a text tests -> the text. The characters are those of Unicode 13 or older, which every platform knows.
TEXTS: Mapping[str, str] = {
    "words": "The quick brown fox jumps over the lazy dog.",
    "capitals": "ALBERT was published in September 2019.",
    "accents": "Crème brûlée à la façon d'Émile, naïve señor Ångström, Łódź, Ørsted",
    "combining accents": "Cre\u0300me bru\u0302le\u0301e",
    "compatibility forms": "ﬁne oﬃce ½ ² ㎏ Ⅳ ＦＵＬＬ ｶﾅ ™ №",
    "lower case of one to many": "İstanbul ΣΟΦΟΣ ΟΔΥΣΣΕΥΣ. ẞ straße",
    "emoji": "I 👍🏽 it 👩‍👩‍👧‍👦 🇫🇷 ❤️ 😀😀",
    "chinese": "我爱北京天安门。很好！",
    "japanese": "東京に行きました。カタカナとひらがな",
    "korean": "안녕하세요 세계",
    "hindi": "हिन्दी में लिखा हुआ पाठ",
    "arabic": "مَرْحَبًا بالعالم",
    "thai": "ภาษาไทยไม่มีช่องว่าง",
    "digits with commas": "In 1999, 2,000, 30,000,000, and 7,",
    "other digits with commas": "٣, ४, ５, ²,",
    "numbers": "3.14 -42 1e10 50% $9.99 +33 1 23 45",
    "control tokens": "[CLS] and [SEP] and <pad> and <unk> and [MASK]",
    "control tokens in words": "a[SEP]b x[MASK]y [mask] [ MASK ] <UNK> [cls]",
    "masks with spaces": " [MASK]  [MASK] [MASK][MASK] ",
    "line ends": "first\r\nsecond\nthird\rfourth\u2028fifth\x0bsixth",
    "tabs and spaces": "  a\tb  c\u00a0d\u3000e\u2009f  ",
    "zero width": "zero\u200bwidth\u200djoin\ufeffmark soft\u00adhyphen",
    "control characters": "a\x00b\x01c\x7fd\x9fe\ufffdf",
    "quotes": "``quoted'' and \"double\" and 'single' and “curly” ‘marks’",
    "apostrophes": "don't can't it's o'clock rock'n'roll '' `` ` '",
    "punctuation": "!!! ... ?!? --- *** (((a))) [b] {c} <d> a/b\\c @e #f ^g ~h |i _j",
    "long word": "pneumonoultramicroscopicsilicovolcanoconiosis" * 3,
    "repeated letters": "a" * 60,
    "address": "https://example.org/path?query=1&other=2#part me@example.org",
    "word start mark": "▁ ▁▁a ▁b",
    "unknown signs": "☃ ♞ 𝔘𝔫𝔦 𐍈 𓀀 \ue000",
    "lone surrogates": "a\ud83db \udc00c",
    "private and unassigned": "x\U000f0000y\ufdd0z",
    "one space": " ",
    "one letter": "a",
    "empty": "",
}

PAIRS: tuple[tuple[str, str], ...] = (
    ("Where is the tower?", "The tower stands in Paris."),
    ("  [MASK] ", "Émile's 1999, [SEP] ﬁne"),
    ("one", ""),
    ("", "two"),
    ("a b c d e f g h i j k l m n o p", "q r s"),
)

#: a text of several sentences, from which long texts are made
PASSAGE = (
    "Clara lives in Lisbon. Hugo is a pilot in Madrid. Clara works as a baker in Porto, and she paid 1,200, "
    "euros. In Zürich, Émile met 👍🏽 Anna at the café. The museum was built in 1908 by Otto."
)

WORD_LISTS: tuple[tuple[str, ...], ...] = (
    ("Clara", "works", "in", "São", "Paulo", "."),
    ("1999,", "", "[MASK]", "👍🏽", "don't", "  ", "ﬁne"),
)
