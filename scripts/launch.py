"""Run a script in several processes with torchrun: `make train NPROC=2`."""

import logging
import os
import sys

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run


def main(wanted: str, *command: str) -> int:
    """The exit code of the process that failed first, 0 where all went well.

    Args:
        wanted: how many processes, as the user wrote it.
        command: a script and its arguments.
    """
    gpus = torch.cuda.device_count()
    if not wanted.isdecimal() or not 1 <= int(wanted) <= (gpus or int(wanted)):
        most = f"from 1 to {gpus}, one for each GPU" if gpus else "a number from 1"
        print(f"error: NPROC: must be {most}; it is {wanted!r}", file=sys.stderr)
        return 2
    threads = max(1, (os.cpu_count() or 1) // int(wanted))  # torchrun would take one
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    logging.disable()  # torchrun's own account of a failure: two screens
    try:
        options = parse_args(["--standalone", f"--nproc-per-node={wanted}", *command])  # type: ignore[no-untyped-call]
        run(options)  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:  # it could not say so itself
            print(f"error: process {rank} died of signal {-failure.exitcode}", file=sys.stderr)
        return abs(failure.exitcode)
    except (SignalException, KeyboardInterrupt):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
