"""huggingface_hub as this package uses it: without its progress bars, and without secrets in what it logs."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from albert_converters.extras import require_packages
from albert_export.hub.failures import without_secrets
from albert_runtime._version import __version__

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_LIBRARY = "huggingface_hub"


def require_library(what: str) -> None:
    """Refuse what needs the library where it is missing; `what` is the beginning of the message.

    Raises:
        DependencyError: it is not installed; the message carries the pip line.
    """
    require_packages((_LIBRARY,), what, "hub")


def hub_api() -> HfApi:
    """The library's client. It takes HF_ENDPOINT, HF_TOKEN and the token of `hf auth login` as it always does."""
    from huggingface_hub import HfApi

    return HfApi(library_name="albert-export", library_version=__version__)


def endpoint() -> str:
    """The address of the hub."""
    from huggingface_hub import constants

    return without_secrets(constants.ENDPOINT)


@contextlib.contextmanager
def quiet_library() -> Iterator[None]:
    """Within the block, the library shows no progress bars, and nothing that is logged holds a token."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    shown = not are_progress_bars_disabled()
    handlers = [*logging.getLogger().handlers, *logging.getLogger(_LIBRARY).handlers]
    filters = [(handler, _SecretFilter()) for handler in handlers]
    for handler, one in filters:
        handler.addFilter(one)
    if shown:
        disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            enable_progress_bars()
        for handler, one in filters:
            handler.removeFilter(one)


class _SecretFilter(logging.Filter):
    """Takes tokens out of what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # an argument that does not fit; logging reports that
            return True
        safe = without_secrets(text)
        if safe != text:
            record.msg, record.args = safe, None
        return True
