from __future__ import annotations

import pytest

from albert_runtime.postprocessing.words import Role, role_of, split_words


def words(text, cuts=()):
    return [text[word.start : word.end] for word in split_words(text, cuts)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada  Lovelace\tof\u00a0London", "Ada|Lovelace|of|London"),
        ("(Paris), (Jean-Luc).", "(|Paris|),|(|Jean-Luc|)."),
        ("$5 and 20% of O'Brien's", "$5|and|20|%|of|O'Brien|'s"),
        ("U.S. Senate", "U.S.|Senate"),
        ("in the U.S.", "in|the|U.S."),
        ("(U.S.), Ph.D.!", "(|U.S.|),|Ph.D.|!"),
        ("St. Louis, Ft. Worth", "St.|Louis|,|Ft.|Worth"),
        ("John Smith Jr.", "John|Smith|Jr."),
        ("John Smith Jr.'s", "John|Smith|Jr.|'s"),
        ("He saw London. Then", "He|saw|London|.|Then"),
        ("see google.com.", "see|google.com|."),
        ("Germany's, Germany\u2019s GERMANY'S", "Germany|'s|,|Germany|\u2019s|GERMANY|'S"),
        ("James' dog, Lisbon 's", "James|'|dog|,|Lisbon|'s"),
        ("don't \u2018Paris\u2019", "don't|\u2018|Paris|\u2019"),
        ("Plymouth\u2014Kingston Rome\u2013Oslo", "Plymouth|\u2014|Kingston|Rome|\u2013|Oslo"),
        ("Rome--Oslo - Bonn", "Rome|--|Oslo|-|Bonn"),
        ("Germany's\u2014France's", "Germany|'s|\u2014|France|'s"),
        ("... ?", "...|?"),
        (" \u200d ", "\u200d"),
        ("", ""),
    ],
)
def test_words_of_scripts_with_spaces(text, expected):
    assert "|".join(words(text)) == expected


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("東京に住む", "東京|に|住む"),
        ("我在北京、上海工作。", "我|在|北京|、|上海|工作|。"),
        ("ฉันอยู่กรุงเทพ", "ฉัน|อยู่|กรุงเทพ"),
        ("iPhoneを東京で買う", "iPhone|を|東京|で|買う"),
        ("サッカー選手", "サッカー|選手"),
        ("서울에서 산다", "서울에서|산다"),  # Korean has spaces, so a token inside a word is no word
    ],
)
def test_in_a_script_without_spaces_each_token_is_a_word(text, tokens):
    cuts, place = [], 0
    for token in tokens.split("|"):
        place = text.index(token, place)
        cuts.append(place)
        place += len(token)
    if "서울" in text:
        cuts.append(2)
    assert "|".join(words(text, cuts)) == tokens


def test_a_token_that_begins_a_word_divides_what_has_no_white_space():
    text = "watched\u200bwas"
    assert [text[word.start : word.end] for word in split_words(text, [0, 8], [8])] == ["watched\u200b", "was"]


@pytest.mark.parametrize(
    ("surface", "role"),
    [
        ("Ada", Role.WORD),
        ("$", Role.WORD),
        (".", Role.PUNCTUATION),
        ("?!", Role.PUNCTUATION),
        ("'s", Role.POSSESSIVE),
        ("\u2019S", Role.POSSESSIVE),
        ("-", Role.DASH),
        ("--", Role.DASH),
        ("\u2014", Role.DASH),
        ("", Role.WORD),
    ],
)
def test_roles(surface, role):
    assert role_of(surface) is role
