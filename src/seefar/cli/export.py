"""`seefar export`: a trained network as a file that others use, with a certificate that it says the same."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from seefar.exporting.export import Export

EXAMPLES = (
    "seefar export runs/shapes-tiny-seed0",
    "seefar export runs/shapes-tiny-seed0 --to keras --out shapes.keras",
    "seefar export runs/shapes-tiny-seed0 --int8",
    "seefar export runs/shapes-tiny-seed0 --layout triton --out repository",
)


def export(
    run: Path,
    *,
    out: Path | None = None,
    to: str = "onnx",
    int8: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    layout: Literal["triton"] | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Write a trained network as a file that needs no seefar, once all validation images got the same answers from both.

    If they do not, nothing is written, and the exit code is 4.

    Parameters
    ----------
    run
        The run folder.
    out
        The file. By default it goes into the run folder: model.onnx, model.int8.onnx, model.keras or model.pt2.
    to
        onnx, keras or torch.
    int8
        Weights and activations of an ONNX file in 8 bits, calibrated on training images.
    force
        Write an int8 file even if it is not faster here, or loses more than half a point of accuracy.
    layout
        triton: also lay an ONNX file out as Triton, KServe and OpenVINO take it, NAME/1/model.onnx; --out is then the folder for it, by
        default triton/ in the run folder.
    json
        Print the certificate as one JSON document.
    """
    import seefar as sf
    from seefar.cli.output import print_json
    from seefar.errors import UsageError
    from seefar.exporting.triton_layout import check_name, write_layout

    if layout and to != "onnx":
        raise UsageError(f"--layout {layout} is for ONNX files, and --to {to} was asked for; leave out one of them")
    if layout:
        check_name(run.resolve().name)
    made = sf.export(run, None if layout else out, to, int8=int8, force=force)
    laid_out = write_layout(made.path, out or run / layout, run.resolve().name) if layout else None
    if json:
        print_json(_plain(made))
    else:
        _print(made)
        if laid_out:
            print(f"laid out as {laid_out}")


def _plain(made: "Export") -> dict[str, Any]:
    return {
        "file": str(made.path),
        "bytes": made.bytes,
        "sha256": made.sha256,
        "certificate": made.certificate.as_json(),
        "int8": made.int8.as_json() if made.int8 else None,
    }


def _print(made: "Export") -> None:
    from seefar.cli.output import print_table
    from seefar.reporting import export_words
    from seefar.reporting.tables import Table

    found = _plain(made)
    print_table(Table(["computed by", "threads", "images a second"], export_words.speeds(found)))
    for sentence in export_words.export(found):
        print(sentence)
    print(f"written to {made.path}, {made.bytes:,} bytes, SHA-256 {made.sha256[:12]}...")
