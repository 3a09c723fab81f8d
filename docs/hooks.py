"""What the site has beyond the files in docs/: tables and pages made from the code, and the sources that the documents point to.

Documents link to sources as they lie in the repository (`../src/seefar/recipes.py`), so that the links work where the files are
read as they are. In the site such a link leads to a page that shows the file.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(?<=\]\()(?P<path>[^()\s#:]+)(?P<place>#[^()\s]*)?(?=\))")
KINDS = {".py": "python", ".toml": "toml", ".yml": "yaml", ".md": "markdown"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each file outside docs/ that a document points to, and for those that have one anyway."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()] + [ROOT / name for name in ROOT_PAGES]
    seen = set(waiting)
    while waiting:
        at = waiting.pop()
        if at.suffix != ".md":
            continue
        new = {path for path in _targets(at) if not path.is_relative_to(DOCS) and path not in seen}
        waiting += new
        seen |= new
    for path in sorted(seen):
        if not path.is_relative_to(DOCS):
            files.append(File.generated(config, _address(path), content=_page(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links out of docs/ lead to the pages above; what is to be made from the code is put in."""
    at = DOCS / page.file.src_uri
    for made, write in MADE.items():
        marker = f"<!-- made from the code: {made} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, write())
    return markdown if page.file.generated_by else _relinked(markdown, at, page.file.src_uri)


def _targets(at: Path) -> list[Path]:
    """The files in the repository that a document links to."""
    found = [(at.parent / match["path"]).resolve() for match in LINK.finditer(at.read_text())]
    return [path for path in found if path.is_relative_to(ROOT) and path.is_file()]


def _address(path: Path) -> str:
    """Where a file of the repository is in the site."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    name = path.relative_to(ROOT).as_posix()
    return ROOT_PAGES.get(name, f"code/{name}" if name.endswith(".md") else f"code/{name}.md")


def _relinked(markdown: str, at: Path, address: str) -> str:
    """The document `at`, shown at `address` in the site, with links that work there."""

    def target(match: re.Match[str]) -> str:
        path = (at.parent / match["path"]).resolve()
        if not path.is_relative_to(ROOT) or not path.is_file():
            return match[0]  # MkDocs complains
        return posixpath.relpath(_address(path), posixpath.dirname(address)) + (match["place"] or "")

    return LINK.sub(target, markdown)


def _page(path: Path) -> str:
    """The page that shows a file."""
    name = path.relative_to(ROOT).as_posix()
    if path.suffix == ".md":
        return _relinked(path.read_text(), path, _address(path))
    kind = KINDS.get(path.suffix, "text")
    head = "---\nsearch:\n  exclude: true\nhide: [toc, navigation]\n---\n"
    return f'{head}\n# {name}\n\n``````{kind} linenums="1"\n{path.read_text()}``````\n'


def recipe_fields() -> str:
    """Every field of a recipe: in which part it is, what it means, which values it may have, and what it is when it is not named."""
    from typing import Literal, get_args, get_origin

    from seefar.errors import UsageError
    from seefar.recipe_fields import kind_of, kinds, meanings, neutral, text
    from seefar.training.optimisers import OPTIMISERS
    from seefar.training.schedules import SCHEDULES

    names = {"optimiser": OPTIMISERS, "schedule": SCHEDULES}
    rows = ["| field | meaning | allowed | not named |", "|---|---|---|---|"]
    for field, meaning in meanings().items():
        if field in names or get_origin(kind_of(field)) is Literal:
            allowed = ", ".join(f"`{value}`" for value in names.get(field) or get_args(kind_of(field)))
        else:
            allowed = kinds()[field].__metadata__[0] if hasattr(kinds()[field], "__metadata__") else "`true`, `false`"
        try:
            off = f"`{text(neutral(field))}`"
        except UsageError:
            off = "an error"
        rows.append(f"| `{field}` | {meaning} | {allowed} | {off} |")
    return "\n".join(rows)


def recipe_values() -> str:
    """The fields in which recipes differ, and then those that all have alike; empty where a network has no such field."""
    from seefar.recipe_fields import flat, kinds, text
    from seefar.recipes import RECIPES

    rows = ["| field | " + " | ".join(f"`{name}`" for name in RECIPES) + " |", "|---|" + "---|" * len(RECIPES)]
    alike = []
    for field in kinds():
        written = [text(flat(recipe)[field]) if field in flat(recipe) else "" for recipe in RECIPES.values()]
        values = [re.sub(r"\b(\d+)\.0\b", r"\1", value) for value in written]
        if len(set(values)) == 1:
            alike.append(f"`{field}` {values[0]}")
        else:
            rows.append(f"| `{field}` | {' | '.join(value.replace(',', ', ') for value in values)} |")
    return "\n".join(rows) + f"\n\nAll of them have {', '.join(alike)}."


def recipe_list() -> str:
    """The recipes and what they are for."""
    from seefar.recipes import RECIPES

    return "\n".join(["| recipe | what it is for |", "|---|---|", *(f"| `{r.name}` | {r.about} |" for r in RECIPES.values())])


def command_line() -> str:
    """The help of every verb."""
    from cyclopts.docs import generate_markdown_docs

    from seefar.cli import app

    return generate_markdown_docs(app, heading_level=2, generate_toc=False, no_root_title=True, flatten_commands=True)


def studies() -> str:
    """The built-in studies and what they ask."""
    from seefar.studies.builtin import STUDIES
    from seefar.studies.study import variants

    rows = [f"| `{study.name}` | {study.about} | {study.base} | {len(variants(study))} |" for study in STUDIES.values()]
    return "\n".join(["| study | what it asks | recipe | trainings a seed |", "|---|---|---|---|", *rows])


def exit_codes() -> str:
    """What a program that calls seefar can tell from how it ended."""
    from seefar import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.SeefarError)]
    coded = [kind for kind in kinds if kind is not errors.StoppedError]
    rows = [f"| {kind.exit_code} | `{kind.__name__}` | {(kind.__doc__ or '').splitlines()[0]} |" for kind in coded]
    stopped = f"| 128 + n | `StoppedError` | {(errors.StoppedError.__doc__ or '').splitlines()[0]} |"
    return "\n".join(["| exit code | error | when |", "|---|---|---|", "| 0 | | all went well |", *rows, stopped])


MADE = {
    "recipe fields": recipe_fields,
    "recipe values": recipe_values,
    "recipes": recipe_list,
    "command line": command_line,
    "studies": studies,
    "exit codes": exit_codes,
}
