"""Files that a download left in place of the real ones: Git LFS pointers, web pages, archives, empty files."""

from __future__ import annotations

import re

from albert_runtime.packed.path import BundlePath, PackedPath

#: no pointer, and no answer of a server that is text, is longer than this
_HEAD_BYTES = 1024
#: the specification (github.com/git-lfs/git-lfs/blob/main/docs/spec.md) and the names that the format had before
_LFS_POINTER = re.compile(rb"version https?://(git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/")
_LFS_SIZE = re.compile(rb"^size (\d+)\s*$", re.MULTILINE)
#: git-annex, git-xet, and Git on systems without symbolic links, which writes the target of a link as text
_OTHER_POINTERS = (
    (re.compile(rb"/annex/objects/"), "a pointer of git-annex", "git annex get {name}"),
    (re.compile(rb"# xet version "), "a pointer of git-xet", "git xet install && git xet checkout"),
    (re.compile(rb"(\.\./)+blobs/[0-9a-f]{32,64}\s*$"), "a link that was copied as text", ""),
)
_WEB_PAGE = re.compile(rb"(<!--.*?-->\s*)?<(!doctype html|html|head|body|\?xml|error>)", re.IGNORECASE | re.DOTALL)
#: how the hub, GitHub and object stores say in plain text that they don't give a file
_REFUSAL = re.compile(
    rb"(entry|repository|revision|file) not found|invalid username or password|access to \w+ |unauthorized|forbidden"
    rb'|(40[0134]|not found)\b|\{"(error|message)":|you need to be authenticated',
    re.IGNORECASE,
)
#: the first bytes of an archive -> what it is, and the command that unpacks it if it is no tar archive
_ARCHIVES = {
    b"PK\x03\x04": ("a zip archive", "unzip"),
    b"\x1f\x8b\x08": ("a gzip archive", "gunzip"),
    b"BZh": ("a bzip2 archive", "bunzip2"),
    b"\xfd7zXZ\x00": ("an xz archive", "unxz"),
    b"(\xb5/\xfd": ("a zstd archive", "unzstd"),
    b"7z\xbc\xaf'\x1c": ("a 7z archive", "7z x"),
}
_TAR_SIGNATURE = slice(257, 262)
#: PyTorch's own files are zip archives, whose first entry is one of these
_PYTORCH_ENTRY = re.compile(rb"/(data\.pkl|data/0|\.format_version|byteorder|version)|constants\.pkl")


def failed_download(file: BundlePath) -> str | None:
    """Say what `file` holds if it is not the file that was meant, and what to type; None if its beginning is no sign.

    It is asked where a file could not be opened as what it should be: archives, for example, are right elsewhere.

    Args:
        file: a model, a vocabulary or a configuration. Only its first bytes are read.
    """
    folder = file.parent
    # repositories keep graphs in a folder of this name
    again = f"hf download OWNER/NAME --local-dir {folder.parent if folder.name == 'onnx' else folder}"
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        # Otherwise the caller says why the file can't be read.
        return (
            f"{file} is a link to {file.readlink()}, which is not there; fetch it again: {again}"
            if file.is_symlink()
            else None
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not size:
        return f"{file} is empty (0 bytes), so it is damaged: a download or a copy was not completed; fetch it again"
    if _LFS_POINTER.match(text):
        real = _LFS_SIZE.search(text)
        missing = f"the file itself, of {int(real[1]):,} bytes, was not fetched" if real else "the file was not fetched"
        return (
            f"{file} is a pointer of Git LFS ({size} bytes), and {missing}. "
            f"In {folder}, type: git lfs install && git lfs pull (or anywhere: {again})"
        )
    if size <= _HEAD_BYTES:
        for pattern, what, command in _OTHER_POINTERS:
            if pattern.match(text):
                advice = f"In {folder}, type: {command.format(name=file.name)} (or anywhere" if command else "Type"
                return f"{file} is {what} ({size} bytes), not the file. {advice}: {again}{')' if command else ''}"
    if _WEB_PAGE.match(text):
        return (
            f"{file} is a web page, not the file: the download saved a login, an error, or the page that shows the "
            'file. Take the link that has "resolve" in place of "blob" '
            f"(on GitHub: raw), or type: {again} (after hf auth login if the model is private or gated)"
        )
    if size <= _HEAD_BYTES and _REFUSAL.match(text):
        answer = text.decode("utf-8", "replace").strip().split("\n", 1)[0]
        return (
            f"{file} is the answer of a server that refused the download ({answer[:80]!r}), not the file. Check the "
            f"address, or type: {again} (after hf auth login if the model is private or gated)"
        )
    return _archive(file, head)


def _archive(file: BundlePath, head: bytes) -> str | None:
    what, command = next((found for magic, found in _ARCHIVES.items() if head.startswith(magic)), ("", ""))
    if head[_TAR_SIGNATURE] == b"ustar":
        what = "a tar archive"
    if not what or (command == "unzip" and _PYTORCH_ENTRY.search(head)):
        return None
    if command != "unzip":
        command = "tar -xf" if _is_tar(file) else command
    return f"{file} is {what}; unpack it first: {command} {file.name}, and give what was in it"


def _is_tar(file: BundlePath) -> bool:
    """Whether `file` is a tar archive, compressed or not."""
    import tarfile  # it imports all decompressors, which a session does not need
    import zlib

    try:
        if isinstance(file, PackedPath):
            with file.open() as stream:
                return tarfile.is_tarfile(stream)
        return tarfile.is_tarfile(file)
    except (OSError, EOFError, zlib.error):  # it is cut short
        return False
