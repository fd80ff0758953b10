"""A local server that speaks the part of the hub's protocol that publishing and loading need."""

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_" + "a" * 34
CUT = -1


@dataclass
class Repository:
    """A repository: its commits in order, its branches and tags, and whether it is private."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)

    def files(self, revision: str) -> dict[str, bytes] | None:
        """The files at a branch, tag or commit, None where there is no such revision."""
        return self.commits.get(self.revisions.get(revision, revision))


class PlayedHub:
    """Answers on localhost and keeps what it is given.

    Attributes:
        url: where it answers; HF_ENDPOINT for its clients.
        repositories: by kind and id, as "models/me/tagger".
        requests: method and path of each request, in order.
        trouble: what to answer instead, by a function of method and path; a status, CUT to end the
            connection when half of the request has come, or None.
    """

    def __init__(self) -> None:
        """Start it."""
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}  # large files by SHA-256
        self.requests: list[tuple[str, str]] = []
        self.trouble: Callable[[str, str], int | None] = lambda method, path: None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                path = unquote(parts.path)
                hub.requests.append((self.command, path))
                status = hub.trouble(self.command, path)
                length = int(self.headers.get("Content-Length") or 0)
                if status == CUT:
                    self.rfile.read(length // 2)
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                body = self.rfile.read(length)
                if status is not None:
                    self.reply(status, b"{}", {"Retry-After": "0"})
                    return
                login = self.headers.get("Authorization")
                known = login == f"Bearer {TOKEN}"
                if login and not known:  # whatever is asked for
                    refusal = "Invalid credentials in Authorization header"
                    self.reply(401, b"{}", {"X-Error-Message": refusal})
                    return
                self.reply(*hub.answer(self.command, path, parse_qs(parts.query), body, known))

            do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

            def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()

    def answer(
        self, method: str, path: str, query: dict[str, list[str]], body: bytes, known: bool
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of a request; `known` tells that the token is right."""
        if path == "/api/repos/create":
            return self._create(json.loads(body), known)
        if path == "/api/validate-yaml":  # of a card, before it goes up
            return reply({"errors": [], "warnings": []})
        if match := re.fullmatch(r"/lfs/(\w+)", path):
            return self._store(match[1], body)
        if match := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            return self._batch(json.loads(body))
        if match := re.fullmatch(r"/api/(\w+)/([^/]+/[^/]+)/(\w+)/(.+)", path):
            kind, name, verb, rest = match.groups()
        elif match := re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/(resolve)/([^/]+/.+)", path):
            kind, name, verb, rest = match[1] or "models", *match.groups()[1:]
        elif match := re.fullmatch(r"/api/(\w+)/([^/]+/[^/]+)", path):
            kind, name, verb, rest = match[1], match[2], "revision", "main"
        else:
            return error(404, "EntryNotFound")
        repository = self.repositories.get(f"{kind}/{name}")
        if repository is None or (repository.private and not known):
            return error(404 if known else 401, "RepoNotFound")
        if method == "POST" and not known:
            return error(401, "")
        return getattr(self, f"_{verb}")(repository, name, rest, body, query)  # type: ignore[no-any-return]

    def _create(self, wanted: dict[str, Any], known: bool) -> tuple[int, bytes, dict[str, str]]:
        if not known:
            return error(401, "")
        name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        key = f"{wanted.get('type', 'model')}s/{name}"
        if key in self.repositories:
            return reply({"error": "exists", "url": f"{self.url}/{name}"}, 409)
        first = hashlib.sha1(key.encode()).hexdigest()  # the hub begins with a commit of its own
        self.repositories[key] = Repository(
            bool(wanted.get("private")), {first: {".gitattributes": b""}}, {"main": first}
        )
        return reply({"url": f"{self.url}/{name}", "name": name})

    def _store(self, oid: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if hashlib.sha256(body).hexdigest() != oid:
            return error(400, "")
        self.objects[oid] = body
        return reply({})

    def _batch(self, wanted: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
        objects = []
        for one in wanted["objects"]:
            there = one["oid"] in self.objects
            actions = {} if there else {"upload": {"href": f"{self.url}/lfs/{one['oid']}"}}
            objects.append({**one, "actions": actions} if actions else one)
        return reply({"transfer": "basic", "objects": objects})

    def _preupload(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        files = [
            {"path": f["path"], "shouldIgnore": False, "oid": None,
             "uploadMode": "lfs" if f["path"].endswith((".safetensors", ".parquet")) else "regular"}
            for f in json.loads(body)["files"]
        ]  # fmt: skip
        return reply({"files": files})

    def _commit(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        files = dict(repository.files(rest) or {})
        for line in body.decode().splitlines():
            value = json.loads(line)["value"]
            if "oid" in value:
                if value["oid"] not in self.objects:
                    return error(400, "")
                files[value["path"]] = self.objects[value["oid"]]
            elif "content" in value:
                files[value["path"]] = base64.b64decode(value["content"])
        number = len(repository.commits)
        oid = hashlib.sha1(f"{name} {number}".encode()).hexdigest()
        repository.commits[oid] = files
        proposed = query.get("create_pr") == ["1"]
        repository.revisions["refs/pr/1" if proposed else rest] = oid
        answer = {"commitOid": oid, "commitUrl": f"{self.url}/{name}/commit/{oid}"}
        if proposed:
            answer["pullRequestUrl"] = f"{self.url}/{name}/discussions/1"
        return reply(answer)

    def _tag(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        repository.revisions[json.loads(body)["tag"]] = repository.revisions.get(rest, rest)
        return reply({})

    def _revision(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        files = repository.files(rest)
        if files is None:
            return error(404, "RevisionNotFound")
        return reply({
            "_id": "1", "id": name, "private": repository.private, "tags": [], "downloads": 0,
            "likes": 0, "gated": False, "disabled": False,
            "sha": repository.revisions.get(rest, rest),
            "siblings": [{"rfilename": path} for path in files],
        })  # fmt: skip

    def _tree(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        files = repository.files(rest.partition("/")[0])
        if files is None:
            return error(404, "RevisionNotFound")
        return reply([
            {"type": "file", "path": path, "size": len(content), "oid": etag(content)}
            for path, content in files.items()
        ])  # fmt: skip

    def _resolve(self, repository: Repository, name: str, rest: str, body: bytes, query: Any):  # type: ignore[no-untyped-def]
        revision, _, path = rest.partition("/")
        files = repository.files(revision)
        if files is None:
            return error(404, "RevisionNotFound")
        if path not in files:
            return error(404, "EntryNotFound")
        commit = repository.revisions.get(revision, revision)
        headers = {"ETag": f'"{etag(files[path])}"', "X-Repo-Commit": commit}
        return 200, files[path], headers


def hub_environment(hub: PlayedHub, home: Path, token: str | None = TOKEN) -> dict[str, str]:
    """Of a process that knows no hub but the played one."""
    return {
        "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0", "HF_TOKEN": token or "", "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip


def etag(content: bytes) -> str:
    """What names a file's content."""
    return hashlib.sha256(content).hexdigest()


def reply(value: Any, status: int = 200) -> tuple[int, bytes, dict[str, str]]:
    """An answer in JSON."""
    return status, json.dumps(value).encode(), {"Content-Type": "application/json"}


def error(status: int, code: str) -> tuple[int, bytes, dict[str, str]]:
    """A refusal, with the hub's own code for the reason."""
    return status, b'{"error": "no"}', {"X-Error-Code": code, "X-Error-Message": "no"}
