"""The site: what lies in it, what is refused, and that it appears complete or not at all."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from albert_converters.packed_writer import pack_bundle
from albert_export.cli.main import main
from albert_export.web import site as site_module
from albert_export.web.site import SITE, write_site
from albert_runtime.bundle import MANIFEST_FILE, open_bundle
from albert_runtime.errors import BundleError, UnsupportedError, UsageError
from tests.runtime.tiny_bundle import make_bundle, make_bundle_of_two

TEMPLATE = (
    '<html data-site="{{albert-site.json}}"><title>{{title}}</title><h1>{{task}}</h1>'
    '<script src="{{page.js}}" defer></script><link href="{{style.css}}">'
)


@pytest.fixture(autouse=True)
def _page(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the built page, so that these tests need no npm."""
    assets = tmp_path_factory.mktemp("assets")
    (assets / "engine").mkdir()
    for name in (*site_module._SHELL, site_module._WASM, *site_module._NOTICES, "sw.js"):
        (assets / name).write_text(f"content of {name}\n")
    (assets / "index.html").write_text(TEMPLATE)
    monkeypatch.setattr(site_module, "page_assets", lambda progress: assets)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle", "question-answering")


def listing(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / SITE.marker).read_text(encoding="utf-8")))


def test_every_file_is_listed_with_its_hash(bundle: Path, tmp_path: Path) -> None:
    written = write_site(bundle, tmp_path / "site")
    record = listing(tmp_path / "site")
    listed = [*record["bundleFiles"], record["wasm"], record["glue"], record["worker"]]
    for one in listed:
        content = (tmp_path / "site" / unquote(one["path"])).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (one["bytes"], one["sha256"])
    copied = {path.name: path.read_bytes() for path in (tmp_path / "site" / "bundle").iterdir()}
    assert copied == {path.name: path.read_bytes() for path in bundle.iterdir()}
    assert {one["path"] for one in record["bundleFiles"]} == {f"bundle/{name}" for name in copied}
    assert written.bytes == sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert written.bundle_bytes == sum(map(len, copied.values()))
    assert (tmp_path / "site" / ".nojekyll").is_file()


def test_a_site_gets_one_graph_of_a_bundle_with_several(tmp_path: Path) -> None:
    bundle, site = make_bundle_of_two(tmp_path / "two"), tmp_path / "site"
    assert write_site(bundle, site, precision="int8").precision == "int8"
    copied = open_bundle(site / "bundle")
    assert copied.precisions == ("int8",)
    assert copied.model_file.name == "model_quantized.onnx"
    assert not (site / "bundle" / "onnx" / "model.onnx").exists()


def test_addresses_in_the_page_carry_hashes(bundle: Path, tmp_path: Path) -> None:
    write_site(bundle, tmp_path / "site")
    page = (tmp_path / "site" / "index.html").read_text()
    addresses = re.findall(r'"([\w.-]+)\?v=([0-9a-f]{16})"', page)
    assert [name for name, _ in addresses] == [SITE.marker, "page.js", "style.css"]
    for name, digest in addresses:
        assert hashlib.sha256((tmp_path / "site" / name).read_bytes()).hexdigest().startswith(digest)
    assert "{{" not in page
    assert "<h1>Question answering</h1>" in page


def test_the_service_worker_lists_what_to_store(bundle: Path, tmp_path: Path) -> None:
    write_site(bundle, tmp_path / "site")
    first, rest = (tmp_path / "site" / "sw.js").read_text().split("\n", 1)
    stored = json.loads(first.removeprefix("self.albertSite=").removesuffix(";"))
    assert stored["version"] == listing(tmp_path / "site")["version"]
    assert {one["path"] for one in stored["shell"]} == {*site_module._SHELL, SITE.marker}
    assert {one["path"] for one in stored["large"]} == {
        site_module._WASM,
        *(f"bundle/{path.name}" for path in bundle.iterdir()),
    }
    assert rest == "content of sw.js\n"


def test_equal_input_gives_equal_bytes_and_other_input_another_version(bundle: Path, tmp_path: Path) -> None:
    for name, title in (("a", None), ("b", None), ("c", "Other")):
        write_site(bundle, tmp_path / name, title=title)
    contents = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("a", "b")
    ]
    assert contents[0] == contents[1]
    assert listing(tmp_path / "a")["version"] != listing(tmp_path / "c")["version"]
    assert (tmp_path / "a" / "sw.js").read_bytes() != (tmp_path / "c" / "sw.js").read_bytes()


def test_a_title_is_text_and_not_html(bundle: Path, tmp_path: Path) -> None:
    write_site(bundle, tmp_path / "site", title='<b>"Ada"</b> & co {{task}}')
    page = (tmp_path / "site" / "index.html").read_text()
    assert "<title>&lt;b&gt;&quot;Ada&quot;&lt;/b&gt; &amp; co {{task}}</title>" in page


def test_an_older_site_is_replaced_with_force_only(bundle: Path, tmp_path: Path) -> None:
    write_site(bundle, tmp_path / "site")
    with pytest.raises(UsageError, match=r"already exists.*--force"):
        write_site(bundle, tmp_path / "site", title="new")
    write_site(bundle, tmp_path / "site", title="new", force=True)
    assert listing(tmp_path / "site")["title"] == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "site"]


@pytest.mark.parametrize("marker", ["thesis.txt", MANIFEST_FILE])
def test_a_folder_of_something_else_is_never_replaced(marker: str, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / marker).write_text("mine")
    with pytest.raises(UsageError, match="is not a site that"):
        write_site(bundle, tmp_path / "site", force=True)
    assert (tmp_path / "site" / marker).read_text() == "mine"


def test_an_empty_folder_is_filled(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    write_site(bundle, tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()


def test_nothing_is_left_when_a_file_vanishes(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(site_module, "_write_pages", fail)
    with pytest.raises(KeyboardInterrupt):
        write_site(bundle, tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_damaged_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "config.json").write_text("{ }")
    with pytest.raises(BundleError, match=r"config\.json .* is not the file that was exported"):
        write_site(bundle, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_packed_bundle_gives_the_same_site(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = pack_bundle(bundle, tmp_path / "reader.albert")
    write_site(bundle, tmp_path / "of-the-folder")
    monkeypatch.chdir(tmp_path)
    assert main(["web", str(packed), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("reader-site: question-answering, ")
    contents = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "of-the-folder", tmp_path / "reader-site")
    ]
    assert contents[0] == contents[1]


def test_a_damaged_packed_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    packed = pack_bundle(bundle, tmp_path / "reader.albert")
    content = bytearray(packed.read_bytes())
    content[content.index((bundle / "model.onnx").read_bytes())] ^= 1
    packed.write_bytes(content)
    with pytest.raises(BundleError, match=r"reader\.albert.*damaged"):
        write_site(packed, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_tflite_bundle_is_refused_with_the_command_that_makes_another(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", "fill-mask", model_file="model.tflite")
    with pytest.raises(UnsupportedError) as refused:
        write_site(bundle, tmp_path / "site")
    assert "model.tflite" in str(refused.value)
    assert "albert-export onnx --model CHECKPOINT --task fill-mask --precision int8" in str(refused.value)


def test_the_command(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "my site"
    assert main(["web", str(bundle), "--output", str(output), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{output}: question-answering, ")
    assert f"python -m http.server --directory '{output}'" in printed.err

    assert main(["web", str(bundle), "--output", str(output), "--quiet", "--json", "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "question-answering"

    assert main(["web", str(bundle), "--output", str(output)]) == 2
    assert "--force" in capsys.readouterr().err


def test_the_command_takes_a_bundle_or_a_checkpoint(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", str(bundle), "--task", "qa"]) == 2
    assert "not both" in capsys.readouterr().err
    assert main(["web"]) == 2
    assert "--model FOLDER, or --task TASK" in capsys.readouterr().err


def test_fp32_is_told_of_int8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(tmp_path / "bundle", "fill-mask")
    record = json.loads((bundle / MANIFEST_FILE).read_text())
    for precision, said in (("fp32", True), ("int8", False)):
        (bundle / MANIFEST_FILE).write_text(json.dumps({**record, "precision": precision}))
        assert main(["web", str(bundle), "--output", str(tmp_path / precision)]) == 0
        assert ("--precision int8" in capsys.readouterr().err) == said


def test_a_name_with_signs_has_an_encoded_address(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle", "fill-mask", model_file="my model #1?.onnx")
    write_site(bundle, tmp_path / "site")
    paths = [one["path"] for one in listing(tmp_path / "site")["bundleFiles"]]
    assert "bundle/my%20model%20%231%3F.onnx" in paths


def test_examples_of_the_self_test(bundle: Path, tmp_path: Path) -> None:
    record = json.loads((bundle / MANIFEST_FILE).read_text())
    inputs = {"question": "Who?", "context": "Ada."}
    record["self_test"] = [{"inputs": inputs, "input_ids": [[2, 3]], "outputs": {}, "tolerance": 1.0}]
    (bundle / MANIFEST_FILE).write_text(json.dumps(record))
    write_site(bundle, tmp_path / "site")
    assert listing(tmp_path / "site")["examples"] == [inputs]
