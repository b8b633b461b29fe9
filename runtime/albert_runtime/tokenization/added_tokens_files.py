"""Reads which tokens were added to a vocabulary, from the files where Hugging Face's slow tokenizer reads it.

tokenizer_config.json says it in "added_tokens_decoder". Older folders have no such table; there, the tokens are in
special_tokens_map.json, added_tokens.json and the "added_tokens" of tokenizer.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from albert_runtime.packed.path import BundlePath
from albert_runtime.tokenization.added_vocabulary import LARGEST_ID, AddedToken, is_content, is_id

_TABLE = "added_tokens_decoder"
_ADDITIONAL = "additional_special_tokens"
_EXTRA = "extra_special_tokens"
_FLAGS = ("lstrip", "rstrip", "normalized", "special")

ReadObject = Callable[[BundlePath], dict[str, Any]]


@dataclass
class TokenFiles:
    """What the files of one folder say about tokens; `problems` says what of it is not supported."""

    #: role -> its token
    roles: dict[str, str] = field(default_factory=dict)
    #: the tokens that have a role and the added tokens, in the order in which Hugging Face's tokenizer has them
    tokens: list[AddedToken] = field(default_factory=list)
    #: the tokens that are special besides those that have a role
    additional: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_tokens(
    settings: Mapping[str, Any],
    folder: BundlePath,
    usual_tokens: Mapping[str, str],
    read: ReadObject,
    *,
    mask_takes_space: bool,
) -> TokenFiles:
    """The tokens of the tokenizer in `folder`.

    Args:
        settings: the content of tokenizer_config.json.
        folder: the folder of the other files.
        usual_tokens: role -> the token that has it if the files do not say ("cls_token" -> "[CLS]").
        read: returns the JSON object in a file, or an empty one if there is no such file.
        mask_takes_space: whether a mask that is written in a text includes the space on its left, if the files do not
            say.
    """
    found = TokenFiles()
    stated: list[AddedToken] = []
    if _TABLE in settings:
        stated += _tokens_in_table(settings[_TABLE], found.problems)
        #: tokens whose flags replace those that a role states
        described = stated
    else:
        # Hugging Face does not read this file if there is a table.
        settings = _with_special_tokens_map(settings, read(folder / "special_tokens_map.json"), found.problems)
        special = {*map(content_of, _additional(settings, [])), *_roles(settings, usual_tokens, []).values()}
        for content, index in read(folder / "added_tokens.json").items():
            is_special = content in special
            token = AddedToken(content, index, normalized=not is_special, special=is_special)
            stated += _valid([token], found.problems)
        in_json = read(folder / "tokenizer.json").get("added_tokens")
        listed_tokens = _records(in_json, "added_tokens in tokenizer.json", found.problems)
        tokens = [_token(token, token.get("id"), found.problems) for token in listed_tokens if type(token) is dict]
        described = _valid(tokens, found.problems)
        stated = _merged(stated, described)
    found.roles = _roles(settings, usual_tokens, found.problems)
    in_roles = set(found.roles.values())
    additional = [token for token in _additional(settings, found.problems) if content_of(token) not in in_roles]
    found.additional = list(dict.fromkeys(str(content_of(token)) for token in additional))
    mask = found.roles["mask_token"] if mask_takes_space else None
    roles = _role_tokens(settings, found.roles, described, mask, found.problems)
    extra = [_as_special(token, found.problems) for token in additional]
    found.tokens = _with_roles(stated, [*roles, *extra])
    found.problems += _contradictions(found.tokens)
    return found


def content_of(token: Any) -> Any:
    """The text of a token, which is written either as a string or as an object with `content`."""
    return token.get("content") if isinstance(token, Mapping) else token


def _with_special_tokens_map(
    settings: Mapping[str, Any], special_map: Mapping[str, Any], problems: list[str]
) -> Mapping[str, Any]:
    """The settings with the roles and the additional special tokens of special_tokens_map.json."""
    tokens = [*_additional(settings, problems)]
    known = set(map(content_of, tokens))
    tokens += [token for token in _additional(special_map, problems) if content_of(token) not in known]
    return {**settings, **special_map, _ADDITIONAL: tokens, _EXTRA: ()}


def _additional(settings: Mapping[str, Any], problems: list[str]) -> list[Any]:
    """The additional special tokens. transformers 5 calls them "extra"; before, a table of attributes had this name."""
    extra = settings.get(_EXTRA)
    extra = list(extra.values()) if isinstance(extra, Mapping) else extra
    return [*_records(settings.get(_ADDITIONAL), _ADDITIONAL, problems), *_records(extra, _EXTRA, problems)]


def _records(value: Any, name: str, problems: list[str]) -> list[Any]:
    """The tokens in a list, each a string or an object with a text as its `content`; null is an empty list."""
    if value is None:
        return []
    if not isinstance(value, Sequence) or not all(isinstance(content_of(token), str) for token in value):
        problems.append(f"{name} must be a list of tokens")
        return []
    return list(value)


def _tokens_in_table(table: Any, problems: list[str]) -> list[AddedToken]:
    try:
        return _valid([_token(token, int(index), problems) for index, token in table.items()], problems)
    except (AttributeError, TypeError, ValueError):
        problems.append(f"{_TABLE} must be a table of ids and tokens")
        return []


def _valid(tokens: Iterable[AddedToken], problems: list[str]) -> list[AddedToken]:
    """The tokens with a text as their content, and with a whole number as their id, if any; others are problems."""
    found = []
    for token in tokens:
        if not is_content(token.content):
            problems.append(f"an added token is {token.content!r}, and must be a text")
        elif not (token.id is None or is_id(token.id)):
            problems.append(f"{token.content} has the id {token.id!r}, and must have a whole number below {LARGEST_ID}")
        else:
            found.append(token)
    return found


def _token(record: Any, index: Any, problems: list[str]) -> AddedToken:
    """The token that `record` describes; it is a string, or an object with the fields of Hugging Face's AddedToken."""
    record = {"content": record} if isinstance(record, str) else dict(record)
    content = record.get("content")
    if record.get("single_word"):
        problems.append(f"{content} has single_word, so that it is found only between spaces, which is not supported")
    special = bool(record.get("special", False))
    flags = {"normalized": not special, **{name: bool(record[name]) for name in _FLAGS if name in record}}
    return AddedToken(content, index, **flags)  # the caller checks the content


def _as_special(record: Any, problems: list[str]) -> AddedToken | str:
    """An additional special token: a string, or the token that an object describes."""
    return record if isinstance(record, str) else replace(_token(record, None, problems), special=True)


def _roles(settings: Mapping[str, Any], usual_tokens: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Role -> its token; the beginning and the end of a sequence may be set although they are not usual."""
    stated = {role: content_of(settings.get(role)) for role in ("bos_token", "eos_token", *usual_tokens)}
    problems += [
        f"{role} is {content!r}, and must be a text"
        for role, content in stated.items()
        if not (content is None or isinstance(content, str))
    ]
    roles = {role: content or usual_tokens.get(role) for role, content in stated.items()}
    return {role: str(content) for role, content in roles.items() if content is not None}


def _role_tokens(
    settings: Mapping[str, Any],
    roles: Mapping[str, str],
    described: Iterable[AddedToken],
    taking_space: str | None,
    problems: list[str],
) -> list[AddedToken | str]:
    """The token of each role, once; a string if the settings state no flags for it.

    Args:
        settings: the content of tokenizer_config.json.
        roles: role -> its token.
        described: tokens whose flags replace those that a role states.
        taking_space: the token that includes the space on its left, if the settings do not state its flags.
        problems: what is not supported is added here.
    """
    flags = {token.content: token for token in described}
    tokens: dict[str, AddedToken | str] = {}
    for role, content in roles.items():
        given = settings.get(role)
        if content in tokens:
            continue  # [CLS] and [SEP] have two roles each; the first one counts
        if given is not None and content in flags:
            tokens[content] = flags[content]
        elif isinstance(given, Mapping):
            tokens[content] = replace(_token(given, None, problems), content=content)
        elif content == taking_space:
            tokens[content] = AddedToken(content, lstrip=True)
        else:
            tokens[content] = content
    return list(tokens.values())


def _merged(first: Iterable[AddedToken], second: Iterable[AddedToken]) -> list[AddedToken]:
    """The tokens of both; one of the second replaces one of the first with the same id and content."""
    return list({(token.content, token.id): token for token in (*first, *second)}.values())


def _with_roles(stated: Sequence[AddedToken], special: Iterable[AddedToken | str]) -> list[AddedToken]:
    """`stated` with the special tokens. The flags of a special token replace those that are stated for it."""
    tokens = list(stated)
    places = {token.content: place for place, token in enumerate(tokens)}
    for token in special:
        content = token if isinstance(token, str) else token.content
        place = places.get(content)
        if place is None:
            places[content] = len(tokens)
            tokens.append(AddedToken(token) if isinstance(token, str) else replace(token, special=True))
        elif not isinstance(token, str):
            tokens[place] = replace(token, id=tokens[place].id, special=True)
    return tokens


def _contradictions(tokens: Sequence[AddedToken]) -> list[str]:
    """What keeps the tokens from having one content and one id each."""
    problems = []
    contents: dict[str, int | None] = {}
    ids: dict[int, str] = {}
    for token in tokens:
        if token.content in contents:
            problems.append(f"{token.content} is token {contents[token.content]} and token {token.id}")
        contents[token.content] = token.id
        if token.id is not None and ids.setdefault(token.id, token.content) != token.content:
            problems.append(f"token {token.id} is {ids[token.id]} and {token.content}")
    return problems
