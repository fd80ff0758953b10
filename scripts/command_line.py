"""What every script shares: typed Hydra configs, and one line and exit code 2 for bad input."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conflict_tagger.documents import InputError

CONFIGS = str(Path(__file__).resolve().parent.parent / "configs")
NOISE = (
    "object_type",
    "reference_type",
    "To append",
    "See https",
    "Config search path",
    "provider=",
)
SAME_ERROR = 10  # seconds for the main process to end all with the same error, told once
Config = TypeVar("Config")


def command(name: str, schema: type[Config]) -> Callable[[Callable[[Config], None]], Any]:
    """Turn a function of a typed config into a script's main with Hydra's overrides.

    Args:
        name: the primary config, configs/<name>.yaml, whose defaults begin with <name>_schema.
        schema: the dataclass that types it.
    """
    ConfigStore.instance().store(name=f"{name}_schema", node=schema)

    def decorate(function: Callable[[Config], None]) -> Any:
        @hydra.main(version_base="1.3", config_path=CONFIGS, config_name=name)
        def task(config: DictConfig) -> None:
            with one_line_errors():  # in here too: Hydra adds lines of its own outside
                function(to_typed(config, schema))

        def main() -> None:
            set_up_logging()
            with one_line_errors():
                task()

        return main

    return decorate


def to_typed(config: DictConfig, schema: type[Config]) -> Config:
    """The dataclass instance of a composed config.

    Raises:
        InputError: a mandatory value was not given; names its key.
        OmegaConfBaseException: a key that the schema does not have, as `+key=…` can add.
    """
    merged = OmegaConf.merge(OmegaConf.structured(schema), OmegaConf.to_container(config))
    missing = sorted(OmegaConf.missing_keys(merged))
    if missing:
        raise InputError(f"missing value: give {', '.join(f'{key}=…' for key in missing)}")
    typed = OmegaConf.to_object(merged)
    assert isinstance(typed, schema)
    return typed


def set_up_logging() -> None:
    """Our messages bare on standard error; the libraries' only where something is wrong."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    level = logging.INFO if is_main_process() else logging.ERROR  # one of several is enough
    logging.getLogger("conflict_tagger").setLevel(level)
    # Before transformers is imported; its report on a fresh head is expected.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # Hydra raises instead of printing


def is_main_process() -> bool:
    """Whether this is the only process, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Bad input ends in one line on standard error and exit code 2, without a traceback."""
    try:
        yield
    except (InputError, HydraException, OmegaConfBaseException) as error:
        if not is_main_process():
            time.sleep(SAME_ERROR)
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def one_line(error: BaseException) -> str:
    """An error's message and its cause in one line, without Hydra's hints and type trailers."""
    lines = [line.strip() for line in str(error).splitlines()]
    if error.__cause__ is not None:  # Hydra names the override, its cause says what is wrong
        lines += [line.strip() for line in str(error.__cause__).splitlines()]
    kept = list(dict.fromkeys(line for line in lines if line and not line.startswith(NOISE)))
    return "; ".join(kept).replace(":;", ":").replace(".;", ";")
