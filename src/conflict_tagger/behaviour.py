"""What a tagger must, and must not, be moved by, after CheckList (Ribeiro et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from conflict_tagger import rewrites
from conflict_tagger.augmentation import Edit, apply_edits
from conflict_tagger.command_configs import BehaviourConfig
from conflict_tagger.documents import Document, InputError, Span, read_jsonl
from conflict_tagger.rewrites import Place, common_words
from conflict_tagger.runs import WEIGHTS, file_sha256
from conflict_tagger.sources import resolve_source
from conflict_tagger.tagger import Tagger

LABELS = ("PERPETRATOR", "VICTIM", "COUNT", "DENIAL")


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of change, and what it must do to the tags.

    Attributes:
        name: short name.
        wanted: what a tagger that passes does, in a sentence.
        rewrite: yields the edits of each case in a document, alone or with the places where
            nothing of `gone` may be tagged.
        gone: labels that must not be tagged at these places; without any, all tags must stay.
    """

    name: str
    wanted: str
    rewrite: Callable[[Document, Random, frozenset[str]], Iterable[Any]]
    gone: tuple[str, ...] = ()


CHECKS = (
    Check("actor swapped", "tags stay when the accused has another name", rewrites.swap_actors),
    Check("victim swapped", "tags stay when a victim has another name", rewrites.swap_victims),
    Check("digits to words", "tags stay when a count is spelled out", rewrites.digits_to_words),
    Check("commas removed", "tags stay without commas", rewrites.remove_commas),
    Check("quotes changed", "tags stay with other quotation marks", rewrites.change_quotes),
    Check("capitals", "tags stay in capital letters", rewrites.change_case),
    Check("attribution removed", "tags stay without who said it", rewrites.remove_attribution),
    Check("padded", "tags stay between 2,000 words on other things", rewrites.pad),
    Check("casualty negated", "no count and no victim where nobody was harmed",
          rewrites.negate_casualties, ("VICTIM", "COUNT")),
    Check("comment declined", "no denial where there is no comment",
          rewrites.comment_declined, ("DENIAL",)),
    Check("responsibility claimed", "no denial where responsibility is claimed",
          rewrites.responsibility_claimed, ("DENIAL",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A changed document.

    Attributes:
        index: of the original document.
        edits: what was changed, in order.
        changed: the changed text, without spans.
        places: where in it nothing of the check's `gone` may be tagged.
    """

    index: int
    edits: tuple[Edit, ...]
    changed: Document
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a change to a document has done to its tags.

    Attributes:
        stayed: how many are as they were.
        lost: those that are gone, as text.
        found: those that are new, or stand where none may, as text.
    """

    stayed: int
    lost: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing moved."""
        return not self.lost and not self.found


def check_behaviour(config: BehaviourConfig) -> dict[str, Any]:
    """Run every check on cases made from the documents of a split.

    Returns:
        `checks.<name>` with what is wanted, the number of cases, how many pass, the rate, its
        95% interval (Wilson) and the cases that fail, or under `skipped` why a check does not
        apply; where tags must stay, as `tags_stayed` the share of those that did among all that
        were there before or after; and which checkpoint was checked on what.

    Raises:
        InputError: checkpoint or data are missing or damaged or have other labels, `cases` is
            not positive, or the folder of `output` is missing.
    """
    if config.cases < 1:
        raise InputError("cases: must be 1 or more")
    if config.output is not None and not Path(config.output).absolute().parent.is_dir():
        raise InputError(f"output: there is no folder {Path(config.output).parent}")
    path = Path(config.gold)
    gold = list(read_jsonl(path))
    tagger = Tagger.from_pretrained(config.checkpoint, revision=config.revision)
    if missing := [label for label in LABELS if label not in tagger.labels]:
        raise InputError(f"checkpoint: {config.checkpoint} does not tag {', '.join(missing)}")
    before = tagger.tag_documents(gold)
    common = common_words(gold)
    results: dict[str, dict[str, Any]] = {}
    for check in CHECKS:
        if check.rewrite is rewrites.change_case and is_uncased(tagger):
            results[check.name] = {"wanted": check.wanted, "skipped": "the model is uncased"}
            continue
        cases = make_cases(check, gold, common, config.cases, config.seed)
        after = tagger.tag_documents([case.changed for case in cases])
        verdicts = [
            judge(check, case, before[case.index], tagged)
            for case, tagged in zip(cases, after, strict=True)
        ]
        failed = [
            describe_failure(case, before[case.index], verdict)
            for case, verdict in zip(cases, verdicts, strict=True)
            if not verdict.passed
        ]
        results[check.name] = {"wanted": check.wanted, **summarize(check, verdicts)}
        if cases:
            results[check.name]["failed"] = failed
    weights = resolve_source(config.checkpoint, config.revision, "checkpoint") / WEIGHTS
    return {
        "checkpoint": config.checkpoint,
        "checkpoint_sha256": file_sha256(weights),
        "data": {"path": str(path), "sha256": file_sha256(path)},
        "seed": config.seed,
        "checks": results,
    }


def summarize(check: Check, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The share of cases that pass, its interval, and how many tags stayed where tags must stay."""
    from scipy.stats import binomtest

    if not verdicts:
        return {"cases": 0, "skipped": "these documents hold no case"}
    passed = sum(verdict.passed for verdict in verdicts)
    interval = binomtest(passed, len(verdicts)).proportion_ci(0.95, method="wilson")
    result = {
        "cases": len(verdicts),
        "passed": passed,
        "rate": passed / len(verdicts),
        "interval": [float(interval.low), float(interval.high)],
    }
    if not check.gone:
        stayed = sum(verdict.stayed for verdict in verdicts)
        moved = sum(len(verdict.lost) + len(verdict.found) for verdict in verdicts)
        result["tags_stayed"] = stayed / (stayed + moved) if stayed + moved else None
    return result


def is_uncased(tagger: Tagger) -> bool:
    """Whether capital letters make no difference to the tokenizer."""
    ids = [tagger.tokenizer(text)["input_ids"] for text in ("Rebels SHELLED", "rebels shelled")]
    return bool(ids[0] == ids[1])


def make_cases(
    check: Check, documents: Sequence[Document], common: frozenset[str], most: int, seed: int
) -> list[Case]:
    """The cases of a check, at most `most`, the same for the same seed."""
    cases = []
    for index, document in enumerate(documents):
        random = Random(f"{seed} {check.name} {document.id}")
        for found in check.rewrite(document, random, common):
            edits, places = found if check.gone else (found, ())
            if not changes(document, edits):
                continue
            marks = [Span("place", start, end) for start, end in places]
            moved = apply_edits(document.with_spans(marks), edits)
            at = tuple((span.start, span.end) for span in moved.spans)
            changed = moved.with_spans(())
            cases.append(Case(index, tuple(sorted(edits)), changed, at))
    if len(cases) > most:
        cases = Random(f"{seed} {check.name}").sample(cases, most)
    return cases


def changes(document: Document, edits: Sequence[Edit]) -> bool:
    """Whether edits change a text at all, and none of them reaches over another."""
    ordered = sorted(edits)
    apart = all(a[1] <= b[0] for a, b in pairwise(ordered))
    return apart and any(document.text[start:end] != new for start, end, new in ordered)


def judge(check: Check, case: Case, before: Document, after: Document) -> Verdict:
    """What has become of the tags of a document that was changed."""
    if check.gone:
        wrong = [
            f"{span.label} {after.text_of(span)!r}"
            for span in after.spans
            if span.label in check.gone
            and any(span.start < end and start < span.end for start, end in case.places)
        ]
        return Verdict(0, (), tuple(wrong))
    old, new = kept(before.spans, case.edits), returned(after.spans, case.edits)
    lost, found = (
        tuple(f"{label} {before.text[start:end]!r}" for label, start, end in sorted(spans))
        for spans in (old - new, new - old)
    )
    return Verdict(len(old & new), lost, found)


def describe_failure(case: Case, before: Document, verdict: Verdict) -> dict[str, Any]:
    """A failed case for the report: the document, what was changed, and what that moved."""
    edits = [[before.text[start:end][:80], new[:80]] for start, end, new in case.edits[:5]]
    lost, found = list(verdict.lost), list(verdict.found)
    return {"document": before.id, "edits": edits, "lost": lost, "found": found}


def kept(spans: Sequence[Span], edits: Sequence[Edit]) -> set[tuple[str, int, int]]:
    """Spans of the original text, their edges drawn to those of the edits they cut into."""
    result = set()
    for span in spans:
        start, end = span.start, span.end
        for first, last, new in edits:
            if first <= start < last and (start > first or not new):
                start = last if not new else first
            if first < end <= last and (end < last or not new):
                end = first if not new else last
        if start < end:
            result.add((span.label, start, end))
    return result


def returned(spans: Sequence[Span], edits: Sequence[Edit]) -> set[tuple[str, int, int]]:
    """Spans of the changed text where they stood in the original, drawn to the edits' edges.

    What lies in inserted text alone stood nowhere and is left out.
    """
    result = set()
    for span in spans:
        start, end = _back(span.start, edits, False), _back(span.end, edits, True)
        if start < end:
            result.add((span.label, start, end))
    return result


def _back(position: int, edits: Sequence[Edit], is_end: bool) -> int:
    """A position of the changed text in the original one."""
    shift = 0
    for first, last, new in edits:
        begins = first + shift
        ends = begins + len(new)
        if is_end:
            if position <= begins:
                break
            if position <= ends:
                return last
        else:
            if position < begins:
                break
            if position < ends:
                return first
            if position == ends and not new:
                return last
        shift += len(new) - (last - first)
    return position - shift
