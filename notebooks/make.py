"""Makes the notebooks from their scripts, executed from top to bottom: `make notebooks`, or python notebooks/make.py 2-train.

The scripts are what is written and reviewed; nothing in a notebook is written by hand. Each is executed in an empty folder of its
own, with a cache and a ledger of its own, so that it shows what anybody sees who runs it for the first time.
"""

import argparse
import os
import re
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[0-9]-*.py"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LONGEST = 3600  # seconds that a cell may take; only a busy machine needs more than 100


def read(name: str, data: str = "shapes") -> NotebookNode:
    """The notebook of a script, not executed; with other images if `data` says so: a name or a path for `sf.load`."""
    script = (HERE / f"{name}.py").read_text()
    if data != "shapes":
        script = script.replace('sf.load("shapes"', f"sf.load({data!r}")
    notebook: NotebookNode = jupytext.reads(script, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id, cell.metadata = f"cell-{number}", nbformat.from_dict({})
    return notebook


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells in an empty folder, which is deleted afterwards. Raises CellExecutionError with the first error."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEEFAR_HOME"] = str(Path(folder) / "home")
        work = Path(folder) / "work"
        work.mkdir()
        client = NotebookClient(
            notebook,
            timeout=LONGEST,
            kernel_name="python3",
            resources={"metadata": {"path": str(work)}},
            record_timing=False,
            coalesce_streams=True,
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    return notebook


def clean(text: str) -> str:
    """JSON of a notebook without what differs from one display to the next: addresses of objects."""
    return re.sub(r" at 0x[0-9a-f]+>", ">", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        default=NAMES,
        metavar="NAME",
        help=f"which ones; by default all: {', '.join(NAMES)}",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE,
        help="where the notebooks go; by default beside the scripts",
    )
    parser.add_argument(
        "--data", default="shapes", help="other images: a name or a path for sf.load"
    )
    options = parser.parse_args()
    for name in options.names:
        began, worked = time.perf_counter(), os.times()
        notebook = execute(read(name.removesuffix(".py"), options.data))
        now = os.times()
        path = options.out / f"{name.removesuffix('.py')}.ipynb"
        path.write_text(clean(nbformat.writes(notebook)) + "\n")
        seconds = (
            now.children_user + now.children_system - worked.children_user - worked.children_system
        )
        print(
            f"{path}: {time.perf_counter() - began:.0f} s, {seconds:.0f} s of processors, {path.stat().st_size / 1e6:.2f} MB"
        )


if __name__ == "__main__":
    main()
