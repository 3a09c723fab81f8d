"""The model card of a run: README.md with the front matter that Hugging Face reads, from the same numbers as the report."""

import json
from typing import Any

from seefar.reporting.tables import Table, evaluation


def model_card(found: dict[str, Any]) -> str:
    """Markdown with YAML in front; `found` is what `content.numbers` gives. Names are quoted, so that none can be taken for markup."""
    shown = found["test"] or found["validation"]
    data, recipe = found["data"], found["recipe"]
    parts = [_front_matter(found, shown), f"# {_safe(found['about'])}", recipe["about"]]
    if shown:
        parts += ["## How good it is", _bullets(found["words"]["findings"]), _table(evaluation(shown))]
        parts += ["## Where it fails", _bullets(found["words"]["fails"])]
        parts += ["## Whether to trust it", _bullets(found["words"]["trust"] + found["words"]["robustness"])]
    else:
        parts += ["It has not been evaluated yet."]
    parts += [
        "## What it was trained on",
        f"{_safe(data['source'])} {sum(data['train']):,} training and {sum(data['validation']):,} validation images of "
        f"{data['size']}x{data['size']} pixels in {len(data['classes'])} classes: {', '.join(map(_safe, data['classes']))}.",
        "It answers with one of these classes whatever it is shown: an image of anything else gets one of them, too. Its figures are "
        "for images like those above; on photographs from elsewhere it will be right less often.",
        "## How to use it",
        "```python\nimport seefar as sf\n\nmodel = sf.load_model(RUN_FOLDER_OR_ONNX_FILE)\nmodel.predict([IMAGE_FILES])\n```",
        *[f"### {_safe(name)}\n\n{_bullets(sentences)}" for name, sentences in found["words"]["export"].items()],
        "## How it was made",
        f"`{found['environment']['command']}` with seefar {found['seefar']}; seed {found['seed']}, {len(found['history'])} epochs; "
        "`recipe.json` holds every decision, `report.html` everything that came of it.",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(found: dict[str, Any], shown: dict[str, Any] | None) -> str:
    """YAML; every text is written as JSON, which is YAML too, so that no name can break out of it."""
    lines = ["---", "library_name: seefar", "pipeline_tag: image-classification", "tags: [image-classification, cnn, seefar]"]
    if shown:
        lines += [
            "model-index:",
            f"  - name: {json.dumps(found['about'])}",
            "    results:",
            "      - task: {type: image-classification}",
            f"        dataset: {{name: {json.dumps(found['data']['name'])}, type: {json.dumps(found['data']['name'])}, "
            f"split: {shown['split']}}}",
            "        metrics:",
            *(
                f"          - {{type: {name}, value: {value:.4f}}}"
                for name, value in (
                    ("accuracy", shown["accuracy"]["value"]),
                    ("f1", shown["f1_macro"]),
                    ("log_loss", shown["loss"]),
                )
            ),
        ]
    return "\n".join([*lines, "---"])


def _table(table: Table) -> str:
    rows = [table.columns, *((_safe(name), *numbers) for name, *numbers in table.rows)]
    head, *others = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * len(table.columns) + "|", *others])


def _bullets(sentences: list[str]) -> str:
    return "\n".join(f"- {_safe(sentence)}" for sentence in sentences)


def _safe(text: str) -> str:
    """With everything that Markdown or HTML would read as markup taken literally."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_[]|#!":
        escaped = escaped.replace(sign, f"\\{sign}")
    return " ".join(escaped.split())
