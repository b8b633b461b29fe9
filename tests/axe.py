"""axe-core, which finds what makes a page hard to use for people who can't see it, or not well."""

from __future__ import annotations

from typing import Any

import pytest

from albert_export.web.page_assets import JAVASCRIPT

_AXE = JAVASCRIPT / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Any) -> list[str]:
    """What axe-core finds on a page in Chromium against WCAG 2.2 A and AA and its own best practices."""
    if not _AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in runtime/js")
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in found]
