"""Weights & Biases modes: no prompt, and offline wherever there is no login."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

CODE = """
import sys
from conflict_tagger.config import Tracking
from conflict_tagger.documents import InputError
from conflict_tagger.tracking import resolve_mode
try:
    print(resolve_mode(Tracking[sys.argv[1]]).value)
except InputError as error:
    print("error:", error)
"""


def resolved(mode: str, home: Path, **environment: str) -> str:
    """What a fresh process makes of a mode; it would hang here if it asked a question."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    result = subprocess.run(
        [sys.executable, "-c", CODE, mode],
        cwd=ROOT,
        env={**clean, "HOME": str(home), **environment},
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


KEY = "0123456789" * 4


@pytest.mark.parametrize(
    ("mode", "environment", "expected"),
    [
        ("none", {}, "none"),
        ("offline", {"WANDB_API_KEY": KEY}, "offline"),
        ("auto", {}, "offline"),
        ("auto", {"WANDB_API_KEY": KEY}, "online"),
        ("auto", {"WANDB_API_KEY": "not a key"}, "offline"),
        ("online", {"WANDB_API_KEY": KEY}, "online"),
        ("online", {}, "error: tracking.mode: online needs a W&B login"),
    ],
)
def test_modes(mode: str, environment: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert resolved(mode, tmp_path, **environment).startswith(expected)
