"""The build hook of albert-export: builds the page of `albert-export web` with npm, for source archives and wheels.

A wheel that is made from a source archive takes the page that lies in it, so that it needs neither npm nor a
connection. An editable install builds nothing; there the command builds the page when it is first used.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: set by `make dist`: a distribution without the page is an error and no warning
_REQUIRED = "ALBERT_EXPORT_REQUIRE_PAGE"


class PageBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built page into the distribution."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if its sources have changed. Called by hatchling before it collects the files."""
        if version == "editable":
            return
        assets = _page_assets(Path(self.root))
        try:
            assets.page_assets(self.app.display_info)
        except assets.PageBuildError as error:
            if os.environ.get(_REQUIRED):
                raise
            self.app.display_warning(f"the page of `albert-export web` is left out: {error}")
            return
        build_data["artifacts"].append("/albert_export/web/assets/")


def _page_assets(root: Path) -> ModuleType:
    """The module `albert_export/web/page_assets.py`, without its package, which imports what may not be installed."""
    spec = importlib.util.spec_from_file_location("page_assets", root / "albert_export" / "web" / "page_assets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
