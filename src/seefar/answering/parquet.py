"""A part of the answers as a Parquet file (extra `cluster`), which appears whole or not at all."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seefar.errors import DataError
from seefar.files import disk_errors, write_bytes
from seefar.model.predictions import Prediction


def schema() -> Any:
    """The columns: the place in the list, then the fields of `Prediction`; classes and probabilities are lists of equal length."""
    import pyarrow as pa

    return pa.schema(
        [
            ("number", pa.int64()),
            ("image", pa.string()),
            ("label", pa.string()),
            ("probability", pa.float64()),
            ("classes", pa.list_(pa.string())),
            ("probabilities", pa.list_(pa.float64())),
            ("unlike", pa.bool_()),
            ("abstained", pa.bool_()),
            ("original_size", pa.string()),
            ("error", pa.string()),
        ]
    )


def write_part(path: Path, first: int, rows: Sequence[Prediction]) -> None:
    """Write some answers, the first of which has the place `first` in the list. Raises DiskError if that is not possible."""
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pylist(
        [
            {
                **vars(row),
                "number": first + place,
                "classes": list(row.probabilities),
                "probabilities": list(row.probabilities.values()),
            }
            for place, row in enumerate(rows)
        ],
        schema(),
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    write_bytes(path, file.getvalue())


def names_in(path: Path) -> list[tuple[str, bool]] | None:
    """What a part is about: of each row the file, and whether it could not be read. None if there is no such part.

    Raises:
        DataError: it is damaged.
        DiskError: it cannot be read.
    """
    from pyarrow import parquet

    if not path.exists():
        return None
    with _reading(path):
        table = parquet.read_table(io.BytesIO(path.read_bytes()), columns=["image", "error"])
    return [(row["image"], row["error"] is not None) for row in table.to_pylist()]


def rows_in(path: Path) -> int:
    """How many rows a part has; only the end of the file is read. Raises: see `names_in`."""
    from pyarrow import parquet

    with _reading(path):
        return int(parquet.read_metadata(path).num_rows)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        with disk_errors(path):
            yield
    except pa.ArrowException as error:
        raise DataError(f"{path} is damaged ({' '.join(str(error).split())[:100]}); delete it, and resume") from error
