"""A stub of the Hugging Face hub's HTTP interface, for downloads and pushes without a network.

It answers what huggingface_hub asks: models, trees, files with ETag, ranges and redirects to a file storage on another
host, users, new repositories, and commits with large files. Xet is not offered.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.albert_export.hub.stub_state import LARGE, Fault, HubState, Repository, Transfer, commit_id


@contextlib.contextmanager
def hub_stub() -> Iterator[tuple[HubState, str]]:
    """Runs a stub; yields its state, and its address for HF_ENDPOINT."""
    state = HubState()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        state.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: HubState

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    # --- requests ----------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        self.state.requests.append(request)
        fault = self.state.fault(request)
        if upload := re.fullmatch(r"PUT /storage/([0-9a-f]{64})", request):
            self._receive(upload[1], fault)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if fault is not None and fault.status:
            self._refuse(fault.status)
            return
        if storage := re.fullmatch(r"(?:GET|HEAD) /storage/([0-9a-f]{64})/(.+)", request):
            if "Authorization" in self.headers:
                self.state.leaked.append(self.path)
            self._send_file(storage[2], self.state.large_files[storage[1]], {"ETag": f'"{storage[1]}"'}, fault)
            return
        if self._user() is None and self.headers.get("Authorization"):
            self._refuse(401, message="Invalid credentials in Authorization header")
            return
        for pattern, method in _ROUTES:
            if found := re.fullmatch(pattern, request):
                getattr(self, method)(*found.groups(), body=body, fault=fault)
                return
        self._refuse(404, message=f"the stub has no {request}")

    def _model(self, name: str, revision: str | None = None, **_: Any) -> None:
        repository = self._visible(name)
        commit = None if repository is None else repository.commit_of(revision or "main")
        if repository is None or commit is None:
            self._refuse_missing(repository)
            return
        siblings = [
            {"rfilename": path, "size": len(content), "blobId": _git_id(content)}
            for path, content in repository.commits[commit].items()
        ]
        self._json({"id": name, "modelId": name, "sha": commit, "private": repository.private, "siblings": siblings})

    def _tree(self, name: str, revision: str, **_: Any) -> None:
        repository = self._visible(name)
        commit = None if repository is None else repository.commit_of(revision)
        if repository is None or commit is None:
            self._refuse_missing(repository)
            return
        entries = []
        for path, content in repository.commits[commit].items():
            digest = hashlib.sha256(content).hexdigest()
            large = {"lfs": {"oid": digest, "size": len(content), "pointerSize": 130}} if LARGE.search(path) else {}
            entries.append({"type": "file", "path": path, "size": len(content), "oid": _git_id(content), **large})
        self._json(entries)

    def _file(self, name: str, revision: str, path: str, fault: Fault | None, **_: Any) -> None:
        repository = self._visible(name)
        commit = None if repository is None else repository.commit_of(revision)
        if repository is None or commit is None:
            self._refuse_missing(repository)
        elif repository.gated:
            self._refuse(403, "GatedRepo", "Access to this model is restricted")
        elif path not in repository.commits[commit]:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            content = repository.commits[commit][path]
            headers = {"X-Repo-Commit": commit, "ETag": f'"{_git_id(content)}"'}
            if not LARGE.search(path):
                self._send_file(path, content, headers, fault)
                return
            digest = hashlib.sha256(content).hexdigest()
            address = f"http://localhost:{self.server.server_address[1]}/storage/{digest}/{path}?Signature=s3cret"
            headers |= {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(len(content)), "Location": address}
            self._respond(302, b"", headers)

    def _whoami(self, **_: Any) -> None:
        user = self._user()
        if user is None:
            self._refuse(401)
        else:
            self._json(user)

    def _create(self, body: bytes, **_: Any) -> None:
        wanted, user = json.loads(body), self._user()
        if user is None:
            self._refuse(401)
            return
        owner = wanted.get("organization") or user["name"]
        name = f"{owner}/{wanted['name']}"
        if not self._may_write(name):
            self._refuse(403, message=f"You don't have the rights to create a model under the namespace {owner!r}")
        elif name in self.state.repositories:
            self._json({"error": "You already created this model repo", "url": self._url(name)}, status=409)
        else:
            first = commit_id(name, "initial commit")
            private = bool(wanted.get("private") or wanted.get("visibility") == "private")
            self.state.repositories[name] = Repository({first: {}}, {"main": first}, private=private)
            self._json({"url": self._url(name), "id": name, "name": name})

    def _preupload(self, name: str, revision: str, body: bytes, **_: Any) -> None:
        if not self._writable(name):
            return
        repository = self.state.repositories[name]
        there = repository.commits[repository.refs[revision]]
        self._json({"files": [_upload_mode(file["path"], there) for file in json.loads(body)["files"]]})

    def _batch(self, name: str, body: bytes, **_: Any) -> None:
        if not self._writable(name):
            return
        objects = []
        for one in json.loads(body)["objects"]:
            upload = {"href": f"{self._url('')}storage/{one['oid']}"}
            known = one["oid"] in self.state.large_files
            objects.append({**one, **({} if known else {"actions": {"upload": upload}})})
        self._json({"transfer": "basic", "objects": objects})

    def _commit(self, name: str, revision: str, body: bytes, **_: Any) -> None:
        if not self._writable(name):
            return
        repository = self.state.repositories[name]
        files = dict(repository.commits[repository.refs[revision]])
        for item in map(json.loads, body.splitlines()):
            kind, value = item["key"], item["value"]
            if kind == "header":
                repository.messages.append(value["summary"])
            elif kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.state.large_files[value["oid"]]
        commit = commit_id(name, len(repository.commits))
        repository.commits[commit] = files
        repository.refs[revision] = commit
        self._json({"success": True, "commitOid": commit, "commitUrl": f"{self._url(name)}/commit/{commit}"})

    def _valid(self, **_: Any) -> None:
        self._json({"errors": [], "warnings": []})

    # --- answers -----------------------------------------------------------------------------------------------------

    def _receive(self, digest: str, fault: Fault | None) -> None:
        size = int(self.headers["Content-Length"])
        limit = size if fault is None or fault.status else min(size, fault.after)
        content = self.rfile.read(limit)
        self.state.received.append(Transfer(digest, 0, len(content)))
        if fault is not None and fault.status:
            self._refuse(fault.status)
        elif fault is not None:
            self._break(fault)
        else:
            assert hashlib.sha256(content).hexdigest() == digest
            self.state.large_files[digest] = content
            self._respond(200, b"", {"ETag": f'"{digest}"'})

    def _send_file(self, name: str, content: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start = int(asked[1]) if asked else 0
        part = content[start:]
        headers = {**headers, "Accept-Ranges": "bytes"}
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if self.command == "HEAD":
            self._respond(200, part, headers)
            return
        sent = part if fault is None else part[: fault.after]
        self._respond(206 if asked else 200, sent, headers, size=len(part))
        self.state.sent.append(Transfer(name, start, len(sent)))
        if fault is not None:
            self._break(fault)

    def _break(self, fault: Fault) -> None:
        """End the connection in the middle of a body."""
        self.close_connection = True
        if fault.stalls:
            self.state.stalled.set()
            self.state.closing.wait(60)

    def _refuse(self, status: int, code: str = "", message: str = "") -> None:
        """An error as the hub answers it. It repeats the token, as a careless proxy might."""
        said = f"{message or 'refused'} ({self.headers.get('Authorization', 'no token')})"
        headers = {"X-Error-Message": said, **({"X-Error-Code": code} if code else {})}
        self._json({"error": said}, status=status, headers=headers)

    def _refuse_missing(self, repository: Repository | None) -> None:
        if repository is None:
            self._refuse(404 if self._user() else 401, "RepoNotFound", "Repository not found")
        else:
            self._refuse(404, "RevisionNotFound", "Invalid rev id")

    def _json(self, value: object, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._respond(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _respond(self, status: int, body: bytes, headers: dict[str, str], *, size: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    # --- who may do what ---------------------------------------------------------------------------------------------

    def _user(self) -> dict[str, Any] | None:
        return self.state.users.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))

    def _may_write(self, name: str) -> bool:
        user, owner = self._user(), name.partition("/")[0]
        if user is None or user["auth"]["accessToken"]["role"] == "read" or name in self.state.read_only:
            return False
        return owner == user["name"] or any(org["name"] == owner and org["roleInOrg"] != "read" for org in user["orgs"])

    def _visible(self, name: str) -> Repository | None:
        repository = self.state.repositories.get(name)
        return repository if repository and (not repository.private or self._may_write(name)) else None

    def _writable(self, name: str) -> bool:
        """Whether the user may write there; if not, that is answered."""
        if self._visible(name) is None:
            self._refuse_missing(None)
        elif not self._may_write(name):
            self._refuse(403, message="You are not allowed to write here")
        else:
            return True
        return False

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"


#: "METHOD path" -> the method that answers it
_ROUTES = (
    (r"GET /api/models/([^/]+(?:/[^/]+)?)", "_model"),
    (r"GET /api/models/([^/]+(?:/[^/]+)?)/revision/(.+)", "_model"),
    (r"GET /api/models/([^/]+(?:/[^/]+)?)/tree/([^/]+)/?", "_tree"),
    (r"(?:GET|HEAD) /([^/]+(?:/[^/]+)?)/resolve/([^/]+)/(.+)", "_file"),
    (r"GET /api/whoami-v2", "_whoami"),
    (r"POST /api/repos/create", "_create"),
    (r"POST /api/models/([^/]+/[^/]+)/preupload/(.+)", "_preupload"),
    (r"POST /([^/]+/[^/]+)\.git/info/lfs/objects/batch", "_batch"),
    (r"POST /api/models/([^/]+/[^/]+)/commit/(.+)", "_commit"),
    (r"POST /api/validate-yaml", "_valid"),
)


def _upload_mode(path: str, there: dict[str, bytes]) -> dict[str, Any]:
    mode = "lfs" if LARGE.search(path) else "regular"
    if path not in there:
        known = None
    elif mode == "lfs":
        known = hashlib.sha256(there[path]).hexdigest()
    else:
        known = _git_id(there[path])
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known}


def _git_id(content: bytes) -> str:
    """The id that git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
