"""What the stub of the hub holds: repositories with commits, large files, users, and faults that it shall show."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field
from typing import Any

#: names of files that the hub keeps in large file storage, as the .gitattributes of a new repository says
LARGE = re.compile(r"\.(safetensors|onnx|tflite|bin|model|h5|msgpack)$")


def commit_id(*parts: object) -> str:
    """A commit's id, 40 hexadecimal digits, which depends on `parts`."""
    return hashlib.sha1(repr(parts).encode()).hexdigest()


@dataclass
class Repository:
    """A repository of the stub."""

    #: the files of each commit
    commits: dict[str, dict[str, bytes]]
    #: branches and tags -> commit
    refs: dict[str, str]
    private: bool = False
    gated: bool = False
    #: the titles of the commits that were pushed
    messages: list[str] = field(default_factory=list)

    def commit_of(self, revision: str) -> str | None:
        """The commit that `revision` names."""
        return revision if revision in self.commits else self.refs.get(revision)


@dataclass
class Fault:
    """Something that goes wrong at the first `times` requests whose "METHOD path" has `pattern` in it."""

    pattern: str
    #: answer with this HTTP status; 0 means that the transfer of the body breaks
    status: int = 0
    #: how many bytes of the body get through before it breaks
    after: int = 0
    #: whether it stands still there, until the other side gives up or `HubStub.close`
    stalls: bool = False
    times: int = 1_000_000


@dataclass(frozen=True)
class Transfer:
    """A file that was sent or received, in whole or in part."""

    name: str
    #: the first byte that was asked for
    start: int
    bytes: int


@dataclass
class HubState:
    """Everything that the stub knows."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    #: SHA-256 -> content
    large_files: dict[str, bytes] = field(default_factory=dict)
    #: token -> what whoami says
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: repositories that a user may not write to, though they belong to him
    read_only: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    #: "METHOD path" of each request
    requests: list[str] = field(default_factory=list)
    #: files that were sent to clients
    sent: list[Transfer] = field(default_factory=list)
    #: large files that were received; the name is the SHA-256
    received: list[Transfer] = field(default_factory=list)
    #: the addresses of the file storage that were asked with a token, which must not happen
    leaked: list[str] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, files: dict[str, bytes], **properties: bool) -> str:
        """Add a repository whose main branch holds `files`; returns the commit."""
        commit = commit_id(name, sorted(files))
        self.repositories[name] = Repository({commit: dict(files)}, {"main": commit}, **properties)
        for path, content in files.items():
            if LARGE.search(path):
                self.large_files[hashlib.sha256(content).hexdigest()] = content
        return commit

    def add_user(self, token: str, name: str, *, role: str = "write", orgs: dict[str, str] | None = None) -> None:
        """Add a user with a token of this role; `orgs` are the organizations and the user's roles there."""
        self.users[token] = {
            "type": "user",
            "name": name,
            "orgs": [{"name": org, "roleInOrg": one} for org, one in (orgs or {}).items()],
            "auth": {"type": "access_token", "accessToken": {"displayName": "mine", "role": role}},
        }

    def fault(self, request: str) -> Fault | None:
        """The fault that this request shall meet."""
        with self.lock:
            for one in self.faults:
                if one.times and re.search(one.pattern, request):
                    one.times -= 1
                    return one
        return None

    def bytes_sent(self, name: str) -> int:
        """How many bytes of files of this name were sent, over all requests."""
        return sum(one.bytes for one in self.sent if one.name == name)

    def bytes_received(self, content: bytes) -> int:
        """How many bytes of this large file were received, over all requests."""
        digest = hashlib.sha256(content).hexdigest()
        return sum(one.bytes for one in self.received if one.name == digest)
