"""What an offline W&B run wrote, read back."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768  # bytes; a log of LevelDB's format: blocks of chunks, each with a header of 7 bytes
HEADER = 7  # bytes at the beginning, which name W&B and its version
WHOLE, LAST = 1, 4  # kinds of chunk that end a record


@dataclass
class OfflineRun:
    """The parts of a run that tests look at.

    Attributes:
        run: project, group, tags, id.
        config: its configuration.
        history: a dict for each logged step.
        summary: the last value of everything.
        artifacts: by type, each with its name, aliases, metadata and contents by path.
    """

    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Any] = field(default_factory=dict)

    def series(self, key: str) -> list[Any]:
        """All logged values of a key, in order."""
        return [row[key] for row in self.history if key in row]


def read_offline_run(folder: Path) -> OfflineRun:
    """Read the one offline run under a folder."""
    (path,) = folder.glob("**/offline-run-*/*.wandb")
    result = OfflineRun()
    for record in _records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            result.run = record.run
            result.config |= _values(record.run.config.update)
        elif kind == "config":
            result.config |= _values(record.config.update)
        elif kind == "history":
            result.history.append(_values(record.history.item))
        elif kind == "summary":
            result.summary |= _values(record.summary.update)
        elif kind == "artifact":
            artifact = record.artifact
            result.artifacts[artifact.type] = {
                "name": artifact.name,
                "aliases": list(artifact.aliases),
                "metadata": json.loads(artifact.metadata or "{}"),
                "contents": {entry.path: entry for entry in artifact.manifest.contents},
            }
    return result


def _values(items: Any) -> dict[str, Any]:
    """Values by key; a nested key becomes one with slashes."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def _records(path: Path) -> Iterator[Record]:
    data = path.read_bytes()
    position, parts = HEADER, b""
    while position + HEADER <= len(data):
        left = BLOCK - position % BLOCK
        if left < HEADER:  # too little for a chunk: zeros
            position += left
            continue
        _checksum, length, kind = struct.unpack("<IHB", data[position : position + HEADER])
        position += HEADER
        parts += data[position : position + length]
        position += length
        if kind in (WHOLE, LAST):
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""
