"""What the certificate of an exported file says, in sentences."""

from collections.abc import Mapping
from typing import Any


def export(found: Mapping[str, Any]) -> list[str]:
    """Sentences about one export: an entry of `export.json`."""
    certificate, agreed = found["certificate"], found["certificate"]["agreement"]
    alike = f"the same class for all {agreed['images']:,} {certificate['split']} images"
    if agreed["ties"]:
        alike = (
            f"the same class for {agreed['images'] - agreed['ties']:,} of {agreed['images']:,} {certificate['split']} images, and the "
            f"others are ties (the two largest probabilities within 0.001)"
        )
    sentences = [
        f"The file and the trained network ({certificate['reference']}) predict {alike}; probabilities differ by at most "
        f"{agreed['probability']:.1g}, in batches of 1, 7 and 512 images, too."
    ]
    if own := certificate["own_precision"]:
        sentences.append(
            f"The run was evaluated in a shorter number format. Against that, the file predicts the same class for {own['same']:.2%} "
            f"of the images, and probabilities differ by at most {own['probability']:.1g}."
        )
    if int8 := found["int8"]:
        change = int8["change"]
        sentences.append(
            f"In 8 bits (ranges from {int8['calibrated_on']:,} training images) validation accuracy is {int8['accuracy']['value']:.2%}, "
            f"in float32 {int8['plain_accuracy']['value']:.2%}: a change of {100 * change['value']:+.2f} points (95 % interval "
            f"{100 * change['low']:+.2f} to {100 * change['high']:+.2f}). It runs at {int8['speed_up']:.2f} times the speed, and has "
            f"{int8['size_ratio']:.0%} of the size."
        )
    return sentences


def speeds(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Rows of a table: what computes, with how many threads, how many images a second."""
    rows = [*found["certificate"]["speeds"], *(found["int8"]["speeds"] if found["int8"] else [])]
    return [(row["engine"], str(row["threads"]), f"{row['images_per_second']:,.0f}") for row in rows]
