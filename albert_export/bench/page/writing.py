"""Writes the page of a benchmark run: complete, or not at all."""

from __future__ import annotations

from pathlib import Path

from albert_export.bench.page.content import PageContent
from albert_export.bench.page.document import page_html
from albert_export.bench.report import BenchReport
from albert_export.bench.table import legend
from albert_export.utils.atomic_file import replacing
from albert_export.utils.output_file import refuse_output

#: the supported endings of the file's name
_SUFFIXES = (".html", ".htm")


def refuse_page(file: Path) -> None:
    """Refuse a file that can't be written or is no page, before anything is measured. An older page is replaced.

    Raises:
        UsageError: see `refuse_output`.
    """
    refuse_output(file, "page", _SUFFIXES)


def write_page(report: BenchReport, file: Path) -> None:
    """Write the page of `report`. Reports without measurements have a page too: it says why there are none.

    Raises:
        UsageError: as for `refuse_page`, or the file can't be written.
    """
    refuse_page(file)
    text = page_html(PageContent.of(report, tuple(legend(report))))
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
