"""What a sweep found: a page with its trials, importances and parallel coordinates."""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

from conflict_tagger.command_configs import SweepConfig
from conflict_tagger.runs import replace_text

if TYPE_CHECKING:
    import optuna

RESULTS = "results.html"
FEWEST = 4  # complete trials that pictures need to say something


def write_results(study: optuna.Study, config: SweepConfig, folder: Path) -> Path:
    """Write the page of a study and its trials as CSV.

    Returns:
        The page.
    """
    trials = sorted(
        study.get_trials(deepcopy=False),
        key=lambda trial: (trial.value is None or trial.state.name != "COMPLETE",
                           -(trial.value or 0), trial.number),
    )  # fmt: skip
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    template = files("conflict_tagger").joinpath("templates/sweep.html").read_text("utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=select_autoescape(default=True))
    page = environment.from_string(template).render(
        study=config.study,
        seeds=config.seeds,
        wanted=config.trials,
        keys=list(dict.fromkeys(key for trial in trials for key in trial.params)),
        trials=trials,
        complete=len(complete),
        command=best_command(complete[0].params, config) if complete else None,
        pictures=pictures(study) if len(complete) >= FEWEST else {},
        fewest=FEWEST,
    )
    replace_text(folder / RESULTS, page)
    replace_text(folder / "trials.csv", study.trials_dataframe().to_csv(index=False))
    return folder / RESULTS


def best_command(values: dict[str, Any], config: SweepConfig) -> str:
    """What trains the best recipe."""
    overrides = [*config.overrides, *(f"{key}={value}" for key, value in values.items())]
    return f"make train ARGS={shlex.quote(' '.join(overrides))}"


def pictures(study: optuna.Study) -> dict[str, Markup]:
    """The study's plots by title, the first of which carries the library that draws them."""
    import optuna.visualization as plots

    score = "strict F1"
    figures = {
        "Importance of each value": plots.plot_param_importances(study, target_name=score),
        "Trials as parallel coordinates": plots.plot_parallel_coordinate(study, target_name=score),
        "Trial after trial": plots.plot_optimization_history(study, target_name=score),
        "Epoch after epoch": plots.plot_intermediate_values(study),
    }
    return {
        title: Markup(
            figure.update_layout(title=None).to_html(full_html=False, include_plotlyjs=number == 0)
        )
        for number, (title, figure) in enumerate(figures.items())
    }
