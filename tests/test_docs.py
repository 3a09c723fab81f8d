"""The documents: links, messages, names and commands in them exist; the site builds without a warning and asks nothing of others."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest
from tests.conftest import script

import seefar as sf

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "seefar"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
LINK = re.compile(r"\]\((?P<target>[^()\s]+(?:\([^()\s]*\)[^()\s]*)?)\)")
FENCE = re.compile(r"^ *```(?P<kind>\w*)[^\n]*\n(?P<content>.*?)^ *```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"https?://[^\s`'\"<>|]+")


def prose(page: Path) -> str:
    """A document without its code."""
    return FENCE.sub("", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(prose(page)) if "://" not in match["target"]]
    files = [target.partition("#")[0] for target in targets]
    missing = [file for file in files if file and not (page.parent / file).exists()]
    assert not missing
    assert not [file for file in files if file.startswith("/")]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_places_within_documents_exist(page: Path) -> None:
    """`page.md#heading`, as code hosting pages and the site make them from headings."""
    for match in LINK.finditer(prose(page)):
        file, _, place = match["target"].partition("#")
        if place and "://" not in match["target"]:
            headings = re.findall(r"^#+ (.*)$", prose(page.parent / file if file else page), re.MULTILINE)
            assert place in [re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings]


def test_addresses_are_https_and_have_the_form_of_one() -> None:
    """Nobody is asked whether they answer: tests need no network."""
    for page in PAGES:
        for address in ADDRESS.findall(prose(page)):
            parts = urlsplit(address.rstrip(".,;:)*"))
            assert parts.scheme == "https", f"{page.name}: {address}"
            if address != "https://...":  # what the reader is to put in
                assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}", parts.netloc), f"{page.name}: {address}"


def messages() -> Iterator[str]:
    """Every text in the source, with `…` for what is put into it."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def with_gaps(text: str) -> str:
    """A message as documents quote it: one gap for what stands together ("32x32", a name and the nearest other, "12ab...")."""
    return re.sub(r"…(?:x?…|\.{3})*", "…", text)


def test_quoted_messages_are_those_of_seefar() -> None:
    quoted = [found.strip("` ") for found in re.findall(r"^### (`.*`)$", (DOCS / "faq.md").read_text(), re.MULTILINE)]
    known = {with_gaps(text).strip("` ") for text in messages()}
    assert len(quoted) > 20
    assert [message for message in quoted if message not in known] == []


def test_messages_quoted_in_sentences_are_those_of_seefar() -> None:
    """`"the network 'vgg' takes images of one size only"`: said somewhere, up to its names and numbers."""
    for page in DOCS.glob("[eh]*/*.md"):
        for quoted in re.findall(r"[;:] \"([a-z][^\"]{25,})\"", prose(page)):
            words = [re.escape(part) for part in re.split(r"'\w+'|\d+|\.\.\.", quoted)]
            assert any(re.search(".*".join(words), text) for text in messages()), f"{page.name}: {quoted}"


def test_the_tour_names_what_is_there() -> None:
    sections = (DOCS / "reading-tour.md").read_text().partition("\n## Where is ...?\n")[0].split("\n## ")[1:]
    assert len(sections) == 7
    for section in sections:
        files = [DOCS / match["target"] for match in LINK.finditer(section) if match["target"].startswith("../")]
        assert files
        text = "\n".join(file.read_text() for file in files)
        for name in re.findall(r"`([A-Za-z_.]+)`", section):
            if "/" not in name and not name.endswith((".json", ".py")):
                assert re.search(rf"\b{re.escape(name)}\b", text), f"{name} is in none of {[file.name for file in files]}"


def test_the_tour_answers_the_questions_of_a_newcomer_with_three_files_at_most() -> None:
    table = (DOCS / "reading-tour.md").read_text().partition("\n## Where is ...?\n")[2]
    answers = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ") and "question" not in row]
    assert len(answers) == 12
    for answer in answers:
        files = re.findall(r"`([\w/]+\.py)`", answer)
        assert 1 <= len(files) <= 3
        assert all((SOURCE / file).exists() or (ROOT / file).exists() for file in files), answer
        text = "\n".join(path.read_text() for file in files for path in (SOURCE / file, ROOT / file) if path.exists())
        assert all(re.search(rf"\b{name}\b", text) for name in re.findall(r"`(\w+)`", answer)), answer


def test_the_reference_has_every_public_name() -> None:
    reference = (DOCS / "reference" / "python.md").read_text()
    assert [name for name in sf.__all__ if f"::: seefar.{name}\n" not in reference and f"`sf.{name}`" not in reference] == []


def test_every_recipe_is_chosen_between() -> None:
    page = (DOCS / "how-to" / "recipe-and-budget.md").read_text()
    assert [name for name in sf.RECIPES if not re.search(rf"`{name}\b", page)] == []


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    return script(DOCS / "hooks.py")


def test_what_is_made_from_the_code_is_whole(hooks: ModuleType) -> None:
    from seefar.recipe_fields import meanings

    fields, values = hooks.recipe_fields(), hooks.recipe_values()
    for field in meanings():
        assert f"\n| `{field}` | " in fields
        assert f"\n| `{field}` | " in values or f" `{field}` " in values
    assert all(f"| `{name}` |" in hooks.recipe_list() for name in sf.RECIPES)
    assert hooks.exit_codes().count("\n| ") >= 9
    marked = {made for page in PAGES for made in re.findall(r"<!-- made from the code: (.*) -->", page.read_text())}
    assert marked == set(hooks.MADE)


def commands() -> Iterator[tuple[str, str]]:
    """Every command of seefar that a document shows, with the document's name."""
    for page, name in zip(PAGES, NAMES, strict=True):
        if name == "CHANGELOG.md":
            continue
        text = page.read_text().replace("\\\n", " ")
        shown = [line for match in FENCE.finditer(text) for line in match["content"].splitlines()]
        for line in shown + re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
            for command in re.findall(r"(?:^|; do |\$ |time |sets |-m )(seefar [a-z].*)", line.strip()):
                yield name, command.partition("    ")[0].partition(" #")[0]


def test_commands_have_verbs_and_options_that_exist(hooks: ModuleType) -> None:
    known: dict[str, set[str]] = {}
    for section in hooks.command_line().split("\n## ")[1:]:
        verb = section.partition("\n")[0].strip()
        known[verb] = {"--debug", "--help", *re.findall(r"(?<![\w-])(--[a-z][a-z0-9-]*)", section)}
    assert len(known) > 12
    found = list(commands())
    assert len(found) > 80
    for page, command in found:
        words = command.split()
        verb = next((verb for n in (3, 2) if (verb := " ".join(words[:n])) in known), None)
        if verb is None:
            assert len(words) == 2, f"{page}: {command}"  # "seefar recipes" in a sentence is caught above
            pytest.fail(f"{page}: {command}: no such verb")
        odd = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known[verb]]
        assert not odd, f"{page}: {command}: {odd}"


def test_fields_in_commands_are_those_of_recipes() -> None:
    from seefar.recipe_fields import find, meanings

    for page, command in commands():
        for field in re.findall(r"--(?:set|vary|search) '?(\w+)=", command):
            added = f"\n    {field}: " in (ROOT / page).read_text()  # the page shows how to add it
            assert field in meanings() or field == "field" or added, f"{page}: {command}"
        for recipe in re.findall(r"--(?:recipe|base) ([a-z]\w*)", command):
            find(recipe)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_python_and_toml_in_documents_can_be_read(page: Path, tmp_path: Path) -> None:
    from seefar.studies.toml import read_study

    for match in FENCE.finditer(page.read_text()):
        if match["kind"] == "python" and not re.match(r" +\"", match["content"]):
            ast.parse(textwrap.dedent(match["content"]))
        elif match["kind"] == "toml":
            (tmp_path / "study.toml").write_text(match["content"])
            read_study(tmp_path / "study.toml")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    where = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(where)]
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return where


@pytest.mark.slow
def test_the_site_asks_nothing_of_others(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    for page in pages:
        text = page.read_text()
        fetched = re.findall(r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=\"?([^\s\">]+)", text)
        for link in re.findall(r"<link\b[^>]*>", text):
            if re.search(r"rel=\"?(?:stylesheet|preload|preconnect|icon|modulepreload)", link):
                fetched += re.findall(r"href=\"?([^\s\">]+)", link)
        assert fetched
        assert not [address for address in fetched if re.match(r"(?:https?:)?//", address)], page.name
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", style.read_text()), style.name


@pytest.mark.slow
def test_the_site_holds_what_is_made_from_the_code(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if "code" not in page.relative_to(site).parts]
    assert not [page.name for page in pages if "made from the code:" in page.read_text()]
    recipes = (site / "reference" / "recipes.html").read_text()
    assert all(f"<code>{name}</code>" in recipes for name in sf.RECIPES)
    reference = (site / "reference" / "python.html").read_text()
    assert not [name for name in sf.__all__ if name != "__version__" and f'id="seefar.{name}"' not in reference]
    shown = (site / "code" / "src" / "seefar" / "recipes.py.html").read_text()
    assert "class Recipe" in re.sub("<[^>]*>", "", shown)


@pytest.mark.slow
def test_the_site_can_be_searched_where_it_is_opened_from_disk(site: Path) -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("no chromium here: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.fill("input[name=query]", "temperature")
        found = page.wait_for_selector(".md-search-result__item a", state="attached", timeout=60_000)
        assert found is not None
        assert "calibration" in str(page.eval_on_selector_all(".md-search-result__item a", "all => all.map(a => a.href)"))
        assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]
        browser.close()
