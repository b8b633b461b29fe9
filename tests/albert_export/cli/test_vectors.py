"""The command `albert-export vectors`."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.cli.main import main
from tests.conftest import CheckpointOf


def test_writes_and_checks(bundle_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle, file = bundle_of("text-classification"), tmp_path / "deep" / "vectors.json"
    assert main(["vectors", str(bundle), "-o", str(file)]) == 0
    assert f"{file} (" in capsys.readouterr().out
    assert main(["vectors", str(bundle), "--check", str(file)]) == 0
    assert "gives what the" in capsys.readouterr().out

    file.write_text(file.read_text().replace('"Crème', '"Creme').replace('"The quick brown', '"The slow brown'))
    assert main(["vectors", str(bundle), "--check", str(file)]) == 6
    assert "does not give what the vectors say" in capsys.readouterr().err


def test_refuses(bundle_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = str(bundle_of("text-classification"))
    assert main(["vectors", bundle]) == 2
    assert "give either -o FILE, to write vectors, or --check FILE" in capsys.readouterr().err
    assert main(["vectors", bundle, "-o", "a", "--check", "b"]) == 2
    assert main(["vectors", bundle, "--check", str(tmp_path / "none.json")]) == 2
    assert "can't read" in capsys.readouterr().err
    assert main(["vectors", str(tmp_path), "-o", str(tmp_path / "v.json")]) == 3
    assert main(["vectors", str(tmp_path / "none"), "-o", str(tmp_path / "v.json")]) == 2
    assert list(tmp_path.iterdir()) == []
