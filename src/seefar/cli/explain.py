"""`seefar explain`: what a network sees."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

EXAMPLES = (
    "seefar explain runs/shapes-tiny-seed0",
    "seefar explain runs/shapes-tiny-seed0 --mistakes --class star --method layer_cam --out explained",
)


def explain(
    run: Path,
    *images: Path,
    split: Literal["validation", "test"] = "validation",
    ids: Annotated[list[str] | None, Parameter(negative="")] = None,
    mistakes: Annotated[bool, Parameter(negative="")] = False,
    class_: Annotated[str | None, Parameter(name="--class")] = None,
    method: Annotated[list[str] | None, Parameter(consume_multiple=False, negative="")] = None,
    layer: str = "",
    target: str = "predicted",
    quick: Annotated[bool, Parameter(negative="")] = False,
    out: Path | None = None,
    device: str = "auto",
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """See inside a network: its filters, what excites it, where it looked and whether to believe that, its space of images.

    With files, or with images chosen by --ids, --mistakes or --class: where it looked in those.

    Parameters
    ----------
    run
        The run folder.
    images
        Files and folders to explain.
    split
        Where images come from otherwise; test is a look at the test images.
    ids
        Images of the split, by name.
    mistakes
        Images that the network gets wrong, most confident first.
    class_
        Images of one class.
    method
        grad_cam, grad_cam_plus_plus, layer_cam, integrated_gradients, gradient_shap or occlusion. May be given several times.
    layer
        For methods that look at one layer, such as stages.1; by default each method's own choice.
    target
        The class whose evidence is shown: predicted (what the network says), true, or the name of a class.
    quick
        Without chosen images: two methods and fewer images, under 30 s.
    out
        A folder for explanation.png and explanation.npz; by default explained in the run folder.
    device
        auto, cpu, cuda or mps.
    json
        Print one JSON document.
    """
    from dataclasses import asdict

    import seefar as sf
    from seefar.cli.output import print_explanation, print_inside, print_json
    from seefar.explaining.explanation import METHODS

    if not (images or ids or mistakes or class_ or method or layer):
        inside = asdict(sf.see_inside(run, split, quick=quick, device=device))
        (print_json if json else print_inside)(inside)
        if not json:
            print(f"report: {sf.report(run)}")
        return
    folder = out or run / "explained"
    found = sf.explain(
        run,
        images,
        split=split,
        ids=ids or (),
        mistakes=mistakes,
        of_class=class_,
        methods=method or METHODS,
        layer=layer,
        target=target,
        device=device,
    )
    sf.picture(found).save(folder / "explanation.png")
    found.save(folder / "explanation.npz")
    facts = {name: getattr(found, name) for name in ("images", "labels", "predicted", "targets", "probability")}
    facts["scores"] = {name: asdict(score) for name, score in found.scores.items()}
    (print_json if json else print_explanation)(facts)
    if not json:
        print(f"pictures: {folder / 'explanation.png'}")
