"""How many branches the tests take, file by file, from the data of `coverage run`; too few of them is an error. See `make coverage`."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LEAST = 90  # per cent, of branches alone: `coverage report` mixes them with lines, which is easier to please


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(told)], check=True)
        report = json.loads(told.read_text())
    files = [(name, file["summary"], file["missing_branches"]) for name, file in report["files"].items()]
    for name, summary, missing in sorted(files, key=lambda file: file[1]["missing_branches"]):
        if missing:
            places = ", ".join(f"{line}->{'end' if target < 0 else target}" for line, target in missing)
            print(f"{name}: {summary['missing_branches']} of {summary['num_branches']} not taken: {places}")
    totals = report["totals"]
    share = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"{share:.1f} % of {totals['num_branches']} branches, {totals['percent_statements_covered']:.1f} % of the statements")
    if share < LEAST:
        print(f"error: at least {LEAST} % of the branches have to be taken", file=sys.stderr)
    return int(share < LEAST)


if __name__ == "__main__":
    sys.exit(main())
