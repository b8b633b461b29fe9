"""What went wrong at the hub, in kinds that messages are written for. huggingface_hub has other errors in each version.

Its versions before 1.0 raise errors of requests, 1.x of httpx and 2.x of httpx2, often as the cause of another error.
"""

from __future__ import annotations

import enum
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

_NETWORK_PACKAGES = ("requests", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2", "socket", "ssl", "hf_xet")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CACHE_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT)
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9_]{6,}|(?<=[Bb]earer )\S+")
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+")
#: what signs an address, also where only its path is logged
_SIGNED = re.compile(r"([?&][\w.-]*(?:signature|token|credential|policy|key)[\w.-]*=)[^&\s'\"]+", re.IGNORECASE)
_USER = re.compile(r"(https?://)[^\s/@]+@")
_SHOWN = 300


class Kind(enum.Enum):
    """The kinds of failures."""

    OFFLINE = enum.auto()
    CONNECTION = enum.auto()
    SERVER = enum.auto()
    BUSY = enum.auto()
    NO_TOKEN = enum.auto()
    BAD_TOKEN = enum.auto()
    NOT_FOUND = enum.auto()
    GATED = enum.auto()
    FORBIDDEN = enum.auto()
    NO_REVISION = enum.auto()
    DISK_FULL = enum.auto()
    CACHE_REFUSED = enum.auto()
    OTHER = enum.auto()

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed later, or be answered by the cache."""
        return self in (Kind.OFFLINE, Kind.CONNECTION, Kind.SERVER, Kind.BUSY)


@dataclass(frozen=True)
class Failure:
    """A failure, and what the library or the server says of it, without secrets."""

    kind: Kind
    detail: str


def failure_of(error: BaseException) -> Failure:
    """The kind of `error`, which may be the cause of the library's error or its context."""
    for one in _chain(error):
        kind = _kind(one)
        if kind is not None:
            return Failure(kind, _detail(one))
    return Failure(Kind.OTHER, f"{type(error).__name__}: {_detail(error)}")


def without_secrets(text: str) -> str:
    """`text` without tokens, and without what signs the addresses of files."""
    from huggingface_hub import get_token

    try:
        stored = get_token()
    except OSError:  # the file of the token can't be read, so it was not sent either
        stored = None
    for token in (stored, os.environ.get("HF_TOKEN"), os.environ.get("HUGGING_FACE_HUB_TOKEN")):
        if token and token.strip():
            text = text.replace(token.strip(), "<token>")
    text = _SIGNED.sub(r"\1<hidden>", text)
    return _TOKEN.sub("<token>", _USER.sub(r"\1", _QUERY.sub(r"\1", text)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _kind(error: BaseException) -> Kind | None:
    from huggingface_hub import errors

    # A gated repository's error is a kind of the error for repositories that are not found.
    known = (
        (errors.OfflineModeIsEnabled, Kind.OFFLINE),
        (errors.LocalTokenNotFoundError, Kind.NO_TOKEN),
        (errors.GatedRepoError, Kind.GATED),
        (errors.RevisionNotFoundError, Kind.NO_REVISION),
    )
    for kind_of_error, kind in known:
        if isinstance(error, kind_of_error):
            return kind
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return _kind_of_status(error, status)
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return Kind.DISK_FULL
    if isinstance(error, OSError) and error.errno in _CACHE_REFUSED:
        return Kind.CACHE_REFUSED
    network = type(error).__module__.split(".")[0] in _NETWORK_PACKAGES
    return Kind.CONNECTION if network or isinstance(error, (ConnectionError, TimeoutError)) else None


def _kind_of_status(error: BaseException, status: int) -> Kind:
    from huggingface_hub.errors import RepositoryNotFoundError

    # Without a token, the hub answers 401 for what is not there, too.
    if isinstance(error, RepositoryNotFoundError) or status == 404:
        return Kind.NOT_FOUND
    if status == 401:
        return Kind.BAD_TOKEN
    if status == 403:
        return Kind.FORBIDDEN
    if status == 429:
        return Kind.BUSY
    return Kind.SERVER if status >= 500 else Kind.OTHER


def _detail(error: BaseException) -> str:
    """The first line that says something, short and without secrets."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return without_secrets(" ".join(lines[:2]))[:_SHOWN]
