"""Writes small data sets in the forms that people have: npz as MedMNIST's, IDX as MNIST's, Parquet as Hugging Face's, a CSV."""

import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def pictures(n: int, seed: int = 0, classes: int = 3, side: int = 28, channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a colour for each class, uint8 (n, side, side, 3) or (n, side, side), and labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    colours = np.linspace(60, 200, classes)[labels][:, None, None, None]
    pixels = np.clip(colours + rng.normal(0, 20, (n, side, side, channels)), 0, 255).astype(np.uint8)
    return (pixels[..., 0] if channels == 1 else pixels), labels


def png(pixels: np.ndarray) -> bytes:
    """An image file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def write_medmnist(path: Path, counts: Sequence[int] = (90, 30, 90)) -> Path:
    """Names, shapes and types of a MedMNIST file: labels are (n, 1)."""
    arrays = {}
    for seed, (split, count) in enumerate(zip(("train", "val", "test"), counts, strict=True)):
        arrays[f"{split}_images"], labels = pictures(count, seed)
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez_compressed(path, **arrays)
    return path


def idx(array: np.ndarray, code: int = 8) -> bytes:
    """An IDX file."""
    return bytes([0, 0, code, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write_idx(folder: Path, train: Any, test: Any, packed: bool = True) -> Path:
    """The four files of MNIST; a split is images and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (images, labels) in (("train", train), ("t10k", test)):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx(np.asarray(array, np.uint8))
            path = folder / f"{name}-{kind}-ubyte"
            (path.with_name(f"{path.name}.gz") if packed else path).write_bytes(gzip.compress(content) if packed else content)
    return folder


def write_parquet(
    path: Path, images: Sequence[bytes | None], labels: Sequence[Any], names: Sequence[str] | None, **more: Any
) -> Path:
    """One shard as `datasets` writes it: a struct of bytes and path, and the features in the schema. `more`: further columns."""
    import pyarrow as pa
    from pyarrow import parquet

    features: dict[str, Any] = {"image": {"_type": "Image"}}
    features["label"] = {"names": list(names), "_type": "ClassLabel"} if names else {"dtype": "string", "_type": "Value"}
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": content, "path": f"{path.stem}_{i}.png"} for i, content in enumerate(images)]
    columns = {"image": pa.array(rows, struct), "label": pa.array(list(labels), pa.int64() if names else pa.string())}
    columns |= {name: pa.array(list(values)) for name, values in more.items()}
    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, row_group_size=25)
    return path


def write_hugging_face(folder: Path, counts: Sequence[int] = (90, 90), names: Sequence[str] = ("ash", "elm", "oak")) -> Path:
    """A repository of images: train in two shards, test in one."""
    for seed, (split, count) in enumerate(zip(("train", "test"), counts, strict=True)):
        images, labels = pictures(count, seed, len(names))
        shards = 2 if split == "train" else 1
        for shard in range(shards):
            part = slice(shard * count // shards, (shard + 1) * count // shards)
            path = folder / "data" / f"{split}-{shard:05d}-of-{shards:05d}.parquet"
            write_parquet(path, [png(image) for image in images[part]], labels[part].tolist(), names)
    return folder


def write_table(folder: Path, n: int = 60, header: str = "path,label,group", per_group: int = 5, classes: int = 3) -> Path:
    """Images in a folder, and a CSV beside it that says what they are; groups are of one class."""
    images, labels = pictures(n, classes=classes)
    (folder / "img").mkdir(parents=True, exist_ok=True)
    lines = [header]
    for i, image in enumerate(images):
        (folder / "img" / f"{i:03d}.png").write_bytes(png(image))
        label = int(labels[i])
        cells = {"path": f"img/{i:03d}.png", "label": f"kind {label}", "group": f"deer {label}-{i // classes // per_group}"}
        lines.append(",".join(cells.get(name, "") for name in header.split(",")))
    table = folder / "labels.csv"
    table.write_text("\n".join(lines) + "\n")
    return table
