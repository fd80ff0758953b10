"""A local server that plays the part of W&B's backend that a run and its upload need."""

import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT = {"id": "p", "name": "conflict-tagger", "entity": {"id": "e", "name": "me"}}


ARTIFACT = {
    "id": "a", "artifactSequence": {"name": "x", "project": {**PROJECT, "internalId": "i"}},
    "versionIndex": 0, "artifactType": {"name": "dataset"}, "description": None, "metadata": "{}",
    "ttlDurationSeconds": -1, "ttlIsInherited": True, "tags": [], "historyStep": None,
    "state": "COMMITTED", "size": 1, "digest": "d", "digestAlgorithm": "MANIFEST_MD5",
    "commitHash": "c", "fileCount": 2, "createdAt": "2026-11-20T08:00:00Z", "updatedAt": None,
    "aliases": [],
}  # fmt: skip


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that go away, as those do that are tired of waiting."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass


class PlayedBackend:
    """Answers on localhost until it is closed, and keeps what it was sent.

    Attributes:
        url: where it answers.
        queries: name and variables of each GraphQL request, in order.
        uploads: text by path of everything else that was sent.
    """

    def __init__(self, refuse: bool = False, hang: bool = False) -> None:
        """Start it; it refuses every login, or never answers, where told so."""
        self.queries: list[tuple[str, dict[str, Any]]] = []
        self.uploads: dict[str, str] = {}
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if hang:
                    time.sleep(60)
                    return
                data: dict[str, Any] = {}
                if self.path == "/graphql":
                    request = json.loads(body)
                    data = backend.data(request["query"], request.get("variables") or {})
                else:
                    if self.headers.get("Content-Encoding") == "gzip":
                        body = gzip.decompress(body)
                    sent = backend.uploads.get(self.path, "") + body.decode(errors="replace")
                    backend.uploads[self.path] = sent
                answer = {"errors": [{"message": "no"}]} if refuse else {"data": data}
                text = json.dumps(answer).encode()
                self.send_response(401 if refuse else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """The network dies."""
        self._server.shutdown()
        self._server.server_close()

    def named(self, name: str) -> list[dict[str, Any]]:
        """The variables of all requests of one name."""
        return [variables for query, variables in self.queries if query == name]

    def data(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """What the backend answers to a GraphQL request."""
        name = query.split("(")[0].split("{")[0].split()[-1]
        self.queries.append((name, variables))
        if name == "Viewer":
            viewer = {"id": "v", "entity": "me", "username": "me", "flags": "{}", "email": ""}
            return {"viewer": {**viewer, "teams": {"edges": []}}}
        if name == "UpsertBucket":
            bucket = {
                "id": "b", "name": variables["name"], "displayName": "run", "config": "{}",
                "historyLineCount": 0, "summaryMetrics": "{}", "project": PROJECT,
            }  # fmt: skip
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if name == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if name == "CreateArtifact":  # as if it had these contents already
            sequence = {"id": "s", "latestArtifact": None}
            artifact = {"id": "a", "state": "COMMITTED", "artifactSequence": sequence}
            return {"createArtifact": {"artifact": artifact}}
        if name == "ArtifactType":  # there is none of that name yet
            return {"project": {"artifact": None}}
        if name == "ArtifactByID":
            return {"artifact": ARTIFACT}
        if name == "CreateRunFiles":
            files = [{"name": f, "uploadUrl": f"{self.url}/up/{f}"} for f in variables["files"]]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        return {}
