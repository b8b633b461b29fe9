"""The arguments of a tokenizer's call: they are checked and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.errors import UsageError, listed
from albert_runtime.tokenization.truncation import STRATEGIES


def as_lists(text: str | Sequence[str], pair: str | Sequence[str] | None) -> tuple[Sequence[str], Sequence[str | None]]:
    """The texts, and the second text or None for each of them.

    Raises:
        UsageError: something is not a str, or the two arguments don't match.
    """
    if isinstance(text, str):
        if pair is not None and not isinstance(pair, str):
            raise UsageError(
                f"text is a str and text_pair a {type(pair).__name__}; give two texts, or two lists of texts"
            )
        return [text], [pair]
    check_texts(text, "text")
    if pair is None:
        return text, [None] * len(text)
    if isinstance(pair, str):
        raise UsageError("text is a list and text_pair a str; give two texts, or two lists of texts")
    check_texts(pair, "text_pair")
    if len(text) != len(pair):
        raise UsageError(f"there are {len(text)} texts and {len(pair)} in text_pair; each text needs one")
    return text, pair


def check_texts(texts: Sequence[str], name: str) -> None:
    """Check that `texts` is a list or tuple of str.

    Raises:
        UsageError: it is not; the message says which elements are something else.
    """
    if not isinstance(texts, (list, tuple)):
        raise UsageError(f"{name} is a {type(texts).__name__}; give a str, or a list of str")
    problems = [f"{name}[{i}] is a {type(item).__name__}" for i, item in enumerate(texts) if not isinstance(item, str)]
    if problems:
        raise UsageError(listed(f"{name} must hold nothing but str:", problems))


def truncation_strategy(truncation: bool | str, *, has_pair: bool, overflow: bool) -> str | None:
    """One of `STRATEGIES`, or None for no truncation.

    Raises:
        UsageError: there is no such strategy, or it does not go with the other arguments.
    """
    if truncation is False:
        return None
    strategy = "longest_first" if truncation is True else truncation
    if strategy not in STRATEGIES:
        raise UsageError(
            f"truncation={truncation!r} is unknown; choose True, False, {', '.join(map(repr, STRATEGIES))}"
        )
    if strategy == "only_second" and not has_pair:
        raise UsageError("truncation='only_second' needs a text_pair")
    if strategy == "longest_first" and has_pair and overflow:
        raise UsageError(
            "return_overflowing_tokens needs one text of the pair to stay whole; "
            "choose truncation='only_second' (or 'only_first')"
        )
    return strategy


def padded_length(padding: bool | str, multiple: int | None, limit: int | None, longest: int) -> int | None:
    """The length that sequences are padded to, or None for no padding.

    Args:
        padding: the kind of padding, as in the tokenizer's call.
        multiple: the length is rounded up to a multiple of this.
        limit: the most tokens in a sequence, or None for no limit.
        longest: the number of tokens in the longest sequence.

    Raises:
        UsageError: there is no such kind of padding, "max_length" is asked for without a limit, or `multiple` is below
            1.
    """
    if multiple is not None and multiple < 1:
        raise UsageError(f"pad_to_multiple_of={multiple} must be 1 or more")
    if padding is False:
        return None
    if padding == "max_length":
        if limit is None:
            raise UsageError("padding='max_length' needs max_length, as this tokenizer sets no limit of its own")
        length = limit
    elif padding is True or padding == "longest":
        length = longest
    else:
        raise UsageError(f"padding={padding!r} is unknown; choose True, False, 'longest', 'max_length'")
    return length if multiple is None else -(-length // multiple) * multiple
