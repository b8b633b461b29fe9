"""Pushes a bundle to a repository of the Hugging Face hub, and checks beforehand whether that is allowed."""

from __future__ import annotations

import contextlib
import glob
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_export.hub.failures import Failure, Kind, failure_of
from albert_export.hub.library import endpoint, hub_api, quiet_library, require_library
from albert_export.hub.repository_id import is_repository_id
from albert_export.utils.terminal import Progress
from albert_runtime.bundle import Bundle, files_of, open_every_precision
from albert_runtime.errors import UsageError

#: the roles of an organization's members who may write
_WRITERS = ("admin", "write", "contributor")
_LOG_IN = "type hf auth login with a token that may write, or set HF_TOKEN"


@dataclass(frozen=True)
class PushTarget:
    """A repository that a bundle may be pushed to."""

    #: ORG/NAME
    repository: str
    private: bool = False


@dataclass(frozen=True)
class Pushed:
    """What a push made."""

    repository: str
    url: str
    commit: str

    def to_dict(self) -> dict[str, str]:
        """The result as JSON types."""
        return {"repository": self.repository, "url": self.url, "commit": self.commit}


def check_push(repository: str, *, private: bool = False, progress: Progress = lambda step: None) -> PushTarget:
    """Checks that the user may push to `repository`, before the work of an export. Nothing is changed on the hub.

    Args:
        repository: `ORG/NAME`, or `NAME` for a repository of the user's own. It need not exist.
        private: whether only its owners shall see it.
        progress: called with a line about each step.

    Raises:
        UsageError: it is no id; there is no token, or none that may write there; the repository is public and a
            private one is asked for; or the hub can't be reached.
        DependencyError: huggingface_hub is missing.
    """
    if not is_repository_id(repository):
        raise UsageError(
            f"{repository!r} is no repository: give ORG/NAME, or NAME, of letters, digits, and single - _ . inside"
        )
    require_library("a push to the Hugging Face hub")
    with _translated(f"checking whether {repository} may be written to"):
        from huggingface_hub import constants, get_token

        if constants.HF_HUB_OFFLINE:
            raise UsageError("nothing can be pushed while HF_HUB_OFFLINE is set; unset it")
        if not get_token():
            raise UsageError(f"a push to {repository} needs a token, and none is stored; {_LOG_IN}")
        progress(f"asking the Hugging Face hub whether {repository} may be written to")
        user = hub_api().whoami()
        target = repository if "/" in repository else f"{user['name']}/{repository}"
        problem = _role_problem(user)
        if problem is None:
            exists, problem = _repository_problem(target, private)
            problem = problem if exists else _owner_problem(user, target)
        if problem is not None:
            raise UsageError(problem)
        return PushTarget(target, private)


def push_bundle(folder: str | Path, target: PushTarget, *, progress: Progress = lambda step: None) -> Pushed:
    """Pushes the bundle in `folder` as one commit, and makes the repository if it is not there.

    The commit appears complete or not at all. If the push is interrupted, large files that had arrived are not sent
    again by the next one. A file that is in the repository unchanged is not sent either.

    Args:
        folder: the folder of a bundle, whose files are compared with their hashes first. Files that do not belong to
            the bundle are not sent.
        target: what `check_push` returned.
        progress: called with a line about each step.

    Raises:
        UsageError: the push failed; the message says why, and what to type to try again.
        BundleError: `folder` is no bundle, or it is damaged.
    """
    progress("checking the bundle")
    bundles = folder_bundles(folder)
    bundle, names = bundles[0], files_of(bundles)
    size = sum((bundle.path / name).stat().st_size for name in names)
    with _translated(f"pushing to {target.repository}", push_again(folder, target)):
        api = hub_api()
        progress(f"pushing {len(names)} files, {size / 1e6:,.1f} MB, to {target.repository}")
        api.create_repo(target.repository, private=True if target.private else None, exist_ok=True)
        done = api.upload_folder(
            repo_id=target.repository,
            folder_path=bundle.path,
            allow_patterns=[glob.escape(name) for name in names],
            commit_message=_commit_message(bundle),
        )
        return Pushed(target.repository, f"{endpoint()}/{target.repository}", done.oid)


def push_again(folder: str | Path, target: PushTarget) -> str:
    """Where the bundle is that was not pushed, and what to type to push it."""
    private = " --private" if target.private else ""
    return (
        f"the bundle is in {folder}; to push it again, type: "
        f"albert-export push {shlex.quote(str(folder))} {target.repository}{private}"
    )


def folder_bundles(folder: str | Path) -> list[Bundle]:
    """The bundle in `folder` with each of its graphs, with all hashes checked.

    Raises:
        UsageError: it is a packed bundle, or there is none.
        BundleError: it is no bundle, or it is damaged.
    """
    bundles = open_every_precision(folder)
    if not bundles[0].path.is_dir():
        raise UsageError(
            f"{folder} is a packed bundle, which other tools can't read on the hub; make a folder of it, and push "
            f"that: albert-export unpack {folder}"
        )
    return bundles


def _commit_message(bundle: Bundle) -> str:
    manifest = bundle.manifest
    kind = "ONNX" if manifest.model_file.endswith(".onnx") else f"TFLite for {manifest.target}"
    version = manifest.versions.get("albert-export", "")
    return f"ALBERT for {manifest.task}, {kind} in {', '.join(bundle.precisions)}, by albert-export {version}".strip()


def _role_problem(user: dict[str, Any]) -> str | None:
    """Why the token may write nowhere."""
    token = user.get("auth", {}).get("accessToken", {})
    if token.get("role") == "read":
        return f"the token {token.get('displayName', '')!r} of {user['name']} may only read; {_LOG_IN}"
    return None


def _repository_problem(target: str, private: bool) -> tuple[bool, str | None]:
    """Whether there is such a repository that the token may see, and why it can't be written to."""
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import HfHubHTTPError

    api = hub_api()
    try:
        info = api.model_info(target)
        # The hub says how files would be uploaded only to those who may do it, and nothing is changed.
        api.preupload_lfs_files(target, additions=[CommitOperationAdd("README.md", b"-")])
    except HfHubHTTPError as error:
        failure = failure_of(error)
        if failure.kind is Kind.NOT_FOUND:
            return False, None
        if failure.kind in (Kind.FORBIDDEN, Kind.GATED):
            return True, (
                f"the token may not write to {target} ({failure.detail}); {_LOG_IN}, or choose another repository"
            )
        raise
    if private and not info.private:
        return True, (
            f"{target} is there already, and everybody can see it, so that --private can't be kept; choose another "
            f"name, or make it private at {endpoint()}/{target}/settings"
        )
    return True, None


def _owner_problem(user: dict[str, Any], target: str) -> str | None:
    """Why the user can't make a repository of this name."""
    owner = target.partition("/")[0]
    members = {org.get("name"): org.get("roleInOrg") for org in user.get("orgs") or ()}
    if owner == user["name"] or (owner in members and members[owner] in (*_WRITERS, None)):
        return None
    writable = [user["name"], *(name for name, role in members.items() if name and role in (*_WRITERS, None))]
    why = "may only read there" if owner in members else "is no member of it"
    return (
        f"there is no repository {target} that you may see, and one can't be made for {owner}, because {user['name']} "
        f"{why}; the owners that you can push for: {', '.join(writable)}"
    )


@contextlib.contextmanager
def _translated(doing: str, again: str = "") -> Iterator[None]:
    """Within the block, what the library raises becomes one error that says why, and then `again`."""
    failure = None
    with quiet_library():
        try:
            yield
        except UsageError:
            raise
        except Exception as error:
            failure = failure_of(error)
    if failure is not None:  # not within the block above, so that the error does not hold the library's
        raise UsageError("; ".join(part for part in (f"{doing} failed: {_reason(failure)}", again) if part))


def _reason(failure: Failure) -> str:
    reasons = {
        Kind.NO_TOKEN: f"there is no token; {_LOG_IN}",
        Kind.BAD_TOKEN: f"the hub refuses the token; {_LOG_IN}",
        Kind.FORBIDDEN: f"the token may not do that ({failure.detail}); {_LOG_IN}",
        Kind.NOT_FOUND: f"there is no such repository that you may write to; {_LOG_IN}",
        Kind.CONNECTION: f"no connection to {endpoint()} ({failure.detail})",
        Kind.SERVER: f"the hub at {endpoint()} has an error ({failure.detail})",
        Kind.BUSY: "the hub gets too many requests; wait some minutes",
    }
    return reasons.get(failure.kind, failure.detail)
