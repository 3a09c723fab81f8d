"""One run from near: its recipe, what was said of it, every look at test images, its curves; and the ledger over all runs."""

import json
from itertools import accumulate
from typing import Any

from seefar import files
from seefar.errors import ModelFileError
from seefar.home.rows import PAGES, read_history, shares, thinned
from seefar.home.untrusted import Folder, inside, number, text
from seefar.reporting import check_words
from seefar.runs.ledger import NAME as LEDGER

MOST_LOOKS = 200  # that are told one by one (chosen by hand)
MOST_WARNINGS = 20  # (chosen by hand)
MOST_POINTS = 2000  # of a curve (chosen by hand: more than a screen has columns)


def read_details(folder: Folder) -> dict[str, Any]:
    """What the page shows of a chosen run. What cannot be read is left out: the row says why."""
    environment, data = _json(folder, "environment.json"), _json(folder, "data.json")
    lines, count = _looks(folder)
    return {
        "command": text(environment.get("command"), 4000),
        "made_with": {
            name: str(environment[name])[:200]
            for name in ("seefar", "python", "device", "processor", "precision", "threads", "processes", "system")
            if name in environment
        },
        "source": text(data.get("source"), 500),
        "start": text((data.get("start") or {}).get("run")) if isinstance(data.get("start"), dict) else "",
        "evaluations": [said for split in ("validation", "test") if (said := _evaluation(folder, split))],
        "looks": lines,
        "look_count": count,
        "pages": [name for name, path in PAGES.items() if folder.stamp(path)[1]],
        "files": sorted(name for name in folder.names() if name.endswith((".onnx", ".keras", ".pt2")))[:20],
    }


def read_curves(folder: Folder) -> dict[str, Any]:
    """The columns of the history, by epoch: shares in 0..1, losses in nats, `seconds` since the start. Raises ModelFileError."""
    history = read_history(folder)
    timing = _json(folder, "timing.json").get("seconds_by_epoch")
    seconds: list[float | None] = [None] * len(history.numbers)
    if isinstance(timing, list) and len(timing) >= len(seconds):
        seconds = [round(value, 3) for value in accumulate(number(one) or 0.0 for one in timing[: len(seconds)])]
    columns = {"epoch": history.numbers, "seconds": seconds, **history.columns}
    return {name: thinned(values, MOST_POINTS) for name, values in columns.items()}


def read_ledger(looked: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Each set of test images that networks of this machine looked at, the most recent look first.

    Args:
        looked: the ids of the runs that are shown here, by the digest of the test images that they were evaluated on.
    """
    home = files.home()
    found: dict[str, dict[str, Any]] = {digest: {"test": digest, "looks": 0, "runs": runs} for digest, runs in looked.items()}
    try:
        with inside(home, ("looks",)) as folder:
            for name in sorted(folder.names()):
                digest = name.removesuffix(".jsonl")
                if digest != name:
                    lines = _lines(folder, name)
                    found[digest] = {"test": digest[:64], "looks": len(lines), "runs": looked.get(digest, []), **_summed(lines)}
    except ModelFileError:
        pass  # nothing was looked at on this machine
    return sorted(found.values(), key=lambda one: str(one.get("last", "")), reverse=True)


def _summed(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """First and last look, how many networks looked, and how often each verb did."""
    times = sorted(text(line.get("time"), 40) for line in lines)
    verbs: dict[str, int] = {}
    for line in lines:
        verb = text(line.get("verb"), 60)
        verbs[verb] = verbs.get(verb, 0) + 1
    most = sorted(verbs.items(), key=lambda pair: -pair[1])[:10]
    networks = len({text(line.get("manifest"), 64) for line in lines} - {""})  # networks of an audit are in no run
    return {"first": times[0] if times else "", "last": times[-1] if times else "", "verbs": dict(most), "networks": networks}


def _looks(folder: Folder) -> tuple[list[dict[str, str]], int]:
    """The last looks of a run at test images, and how many there were."""
    lines = _lines(folder, LEDGER)
    shown = [{"time": text(line.get("time"), 40), "verb": text(line.get("verb"), 60)} for line in lines[-MOST_LOOKS:]]
    return shown, len(lines)


def _lines(folder: Folder, name: str) -> list[dict[str, Any]]:
    """The lines of a ledger; one that cannot be read counts as a look without words."""
    try:
        content = folder.read(name)
    except ModelFileError:
        return []
    found = []
    for line in content.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = {}
        found.append(value if isinstance(value, dict) else {})
    return found


def _evaluation(folder: Folder, split: str) -> dict[str, Any] | None:
    """The headline in the words of `seefar evaluate`, figures beside it, and what is wrong with the images."""
    found = _json(folder, f"evaluation-{split}.json")
    if not found:
        return None
    try:
        said, warnings = check_words.headline(found), check_words.warnings(found)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        said, warnings = "", []  # of an earlier format, or damaged
    return {
        "split": split,
        "headline": said,
        "images": number((found.get("headline") or {}).get("images")) if isinstance(found.get("headline"), dict) else None,
        "tta": shares(found.get("tta_accuracy")) if found.get("tta") not in (None, "none") else None,
        "loss": number(found.get("loss")),
        "warnings": [{name: one[name] for name in ("title", "sentence", "serious")} for one in warnings[:MOST_WARNINGS]],
    }


def _json(folder: Folder, name: str) -> dict[str, Any]:
    try:
        return folder.json(name)
    except ModelFileError:
        return {}
