"""Time `make train` from an empty clone: `make bench-clone`. Needs git and the standard library."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEED_0 = ROOT / "runs" / "bench" / "minilm-seed-0"
OUTPUT = ROOT / "docs" / "results" / "fresh_clone.json"


def main() -> None:
    """Clone the committed state, set up, train as a newcomer does, and write what it took."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "conflict-tagger"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        started = time.monotonic()
        subprocess.run(["make", "setup"], cwd=clone, check=True)
        set_up = time.monotonic()
        subprocess.run(["make", "train"], cwd=clone, check=True)
        ended = time.monotonic()
        if (
            not SEED_0.exists()
        ):  # it is the default recipe's seed 0: `make bench` need not repeat it
            shutil.copytree(clone / "runs", SEED_0)
    # The largest process among all that ran: on Linux ru_maxrss counts kibibytes.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    result = {
        "command": "make bench-clone",
        "cores": os.cpu_count(),
        "setup_seconds": round(set_up - started, 1),
        "train_seconds": round(ended - set_up, 1),
        "total_seconds": round(ended - started, 1),
        "peak_memory_gb": round(peak, 2),
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
