"""The variants of a study as a Markdown table, from what `seefar study NAME --json` printed: that of docs/enhancement.md.

    .venv/bin/python benchmarks/study_table.py docs/enhancement.json

Nothing is measured here; a test holds the page to this table.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from results import minutes

from seefar.reporting import study_words


def table(found: Mapping[str, Any]) -> str:
    """A row for each variant of a study."""
    split = found["split"]
    lines = [
        f"| variant | validation | {split} | against | difference in points, 95 % | verdict | training | epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        effect = row["effect"] or {}
        interval = (
            f"{100 * effect['value']:+.2f} ({100 * effect['low']:+.2f} to {100 * effect['high']:+.2f})"
            if effect.get("low") is not None
            else ""
        )
        shown = [f"{summary['mean']:.2%}" if summary and summary["mean"] else "" for summary in (row["validation"], row[split])]
        lines.append(
            f"| {row['variant']} | {shown[0]} | {shown[1]} | {row['against'] or ''} | {interval} | {study_words.row_words(row)} | "
            f"{minutes(row['seconds'] or 0)} | {row['epochs'] or 0:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(json.loads(Path(sys.argv[1]).read_bytes())))
