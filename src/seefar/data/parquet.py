"""Images in Parquet files as Hugging Face lays them out: a column of image files, a column of labels, one or many shards."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from seefar.data.arrange import NAMES_OF_SPLITS, SPLITS, Layout, Listed
from seefar.data.groups import group_in, pattern_of
from seefar.data.labels import in_order
from seefar.data.sources import MAX_BYTES, printable
from seefar.errors import DataError, UsageError, did_you_mean
from seefar.files import disk_errors

SPLIT = re.compile(rf"(?:^|[/_.-])({'|'.join(NAMES_OF_SPLITS)})(?=[/_.-]|$)")
SHARD = re.compile(r"(.*)-([0-9]{5})-of-([0-9]{5})(?:-[0-9a-f]+)?\.parquet")
MAGIC = b"PAR1"
ROWS = 64  # read at a time: 64 photographs of a megabyte (chosen by hand)
LISTED = 20  # names of columns in a sentence


class Columns(NamedTuple):
    """Where in the rows the pictures are, and what they are called.

    Attributes:
        image: the column of pictures.
        in_struct: whether they are the field "bytes" of it.
        label: the column of labels.
        names: of the classes, the label being the index; empty where the labels are names themselves.
    """

    image: str
    in_struct: bool
    label: str
    names: tuple[str, ...]


def shards_in(path: Path) -> list[Path]:
    """The Parquet files below a folder, sorted; of a file itself. No link is followed. Raises DiskError."""
    if not path.is_dir():
        return [path]
    with disk_errors(path):
        return sorted(
            file for file in path.rglob("*.parquet") if file.is_file() and not file.is_symlink() and not _hidden(file, path)
        )


def arrange_parquet(path: Path, shards: Sequence[Path], label: str | None, group: str | None) -> tuple[Layout, "ParquetSource"]:
    """The images of the shards, with split, class and group, and what reads them.

    Args:
        path: the folder, or the only file.
        shards: the files; the name of each, or of a folder on the way to it, says which split it is of, else it is of train.
        label: the column of labels; None: as the schema says.
        group: a column, or a regular expression that finds the group in the name of an image.

    Raises:
        DataError: a file is damaged, a shard is missing, or it is unclear which columns hold images and labels.
        UsageError: pyarrow is not installed, or there is no such column.
    """
    _need_pyarrow()
    _refuse_missing_shards(shards)
    ordered = sorted(shards, key=lambda shard: SPLITS.index(_split_of(shard, path)))
    columns = {shard: _columns(shard, label) for shard in ordered}
    first = columns[ordered[0]]
    if other := next((shard for shard, found in columns.items() if found != first), None):
        raise DataError(f"{_shown(other)} has other columns or classes than {_shown(ordered[0])}; give shards of one data set")
    images: list[Listed] = []
    labels: list[Any] = []
    counts = []
    for shard in ordered:
        split, rows = _split_of(shard, path), _facts(shard, first, group)
        counts.append(len(rows))
        for number, (answer, name, belongs) in enumerate(rows):
            labels.append(_label(answer, first, f"{_shown(shard)}, row {number}"))
            images.append(Listed(split, 0, name, (), belongs))
    if not images:
        raise DataError(f"{_shown(path)} holds no rows; give one with images")
    images = _named(images)
    classes = tuple(map(printable, first.names)) or tuple(sorted(set(labels), key=in_order))
    numbers = {name: number for number, name in enumerate(classes)}
    images = [
        image._replace(label=answer if first.names else numbers[answer]) for image, answer in zip(images, labels, strict=True)
    ]
    if len(classes) < 2:
        raise DataError(f"need at least 2 classes, found {len(classes)} in {_shown(path)}; add images of another")
    if group is not None and not _has_column(ordered[0], group):
        pattern = pattern_of(group)
        images = [image._replace(group=group_in(pattern, image.id)) for image in images]
    splits = {image.split for image in images}
    if "train" not in splits:
        raise DataError(f"{_shown(path)} holds no split called train, only {', '.join(sorted(splits))}; give the folder of all")
    layout = Layout(classes, images, "test" not in splits, [], [], group or "", listed=True)
    return layout, ParquetSource(list(zip(map(str, ordered), counts, strict=True)), first)


class ParquetSource:
    """The pictures of some shards in their order.

    Whoever asks for one stretch after another reads each row group once: the next stretch goes on where the last one ended.

    Args:
        shards: each file and how many rows it has.
        columns: where the pictures are.
    """

    def __init__(self, shards: list[tuple[str, int]], columns: Columns) -> None:
        self.shards, self.columns = shards, columns
        self._file: tuple[str, Any] = ("", None)
        self._group: _Group | None = None

    def items(self, first: int, stop: int) -> Iterator[bytes | None]:
        """The contents of the pictures from `first` to before `stop`; None where there is none.

        Raises:
            DataError: a file is damaged.
        """
        start = 0
        for path, rows in self.shards:
            if start < stop and first < start + rows:
                with _reading(Path(path)):
                    yield from self._contents(path, max(first - start, 0), min(stop - start, rows))
            start += rows

    def _contents(self, path: str, first: int, stop: int) -> Iterator[bytes | None]:
        """Those of one shard."""
        from pyarrow import parquet

        if self._file[0] != path:
            self._file = path, parquet.ParquetFile(path)
        file = self._file[1]
        at = 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if at < stop and first < at + rows:
                start, group, self._group = max(first - at, 0), self._group, None
                if group is None or (group.path, group.number) != (path, number) or group.at > start:
                    group = _Group(path, file, number, self.columns)
                yield from group.items(start, min(stop - at, rows))
                self._group = group
            at += rows

    def source(self) -> dict[str, Any]:
        """What another process needs to read them."""
        return {"kind": "parquet", "shards": self.shards, "columns": list(self.columns)}

    def jobs(self, first: int, stop: int) -> list[Any]:
        """The two numbers alone: the shards have an order."""
        return [first, stop]

    @staticmethod
    def read(item: bytes | None) -> bytes:
        """One picture. Raises OSError if there is none, or it is too large."""
        if item is None:
            raise OSError(0, "no picture in the file, only its path")
        if len(item) > MAX_BYTES:
            raise OSError(0, "more than 64 MB")
        return item


class _Group:
    """The pictures of one row group, read forward.

    Attributes:
        path, number: where it is.
        at: the first row that is still to be had.
    """

    def __init__(self, path: str, file: Any, number: int, columns: Columns) -> None:
        self.path, self.number, self.at = path, number, 0
        self._in_struct = columns.in_struct
        leaf = f"{columns.image}.bytes" if columns.in_struct else columns.image
        self._batches: Iterator[Any] = file.iter_batches(ROWS, row_groups=[number], columns=[leaf])
        self._values: Any = ()

    def items(self, first: int, stop: int) -> Iterator[bytes | None]:
        """From `first`, not before `at`, to before `stop`. Raises ValueError if there are fewer."""
        while first < stop:
            if first >= self.at + len(self._values):
                self.at += len(self._values)
                if (batch := next(self._batches, None)) is None:
                    raise ValueError(f"{self.at} of {stop} rows")
                self._values = batch.column(0).field("bytes") if self._in_struct else batch.column(0)
            else:
                yield self._values[first - self.at].as_py()
                first += 1


def _facts(shard: Path, columns: Columns, group: str | None) -> list[tuple[Any, str, str]]:
    """Of each row the label, the path of the image ("" if it has none), and the group ("" if it has none)."""
    from pyarrow import parquet

    wanted = [columns.label]
    by_column = group is not None and _has_column(shard, group)
    wanted += [f"{columns.image}.path"] * columns.in_struct + [str(group)] * by_column
    found: list[tuple[Any, str, str]] = []
    with _reading(shard):
        for batch in parquet.ParquetFile(shard).iter_batches(10_000, columns=wanted):
            paths: list[Any] = [None] * len(batch)
            if columns.in_struct and columns.image in batch.schema.names:
                paths = [row and row.get("path") for row in batch.column(columns.image).to_pylist()]
            groups = batch.column(str(group)).to_pylist() if by_column else [""] * len(batch)
            for answer, path, belongs in zip(batch.column(columns.label).to_pylist(), paths, groups, strict=True):
                if by_column and belongs in (None, ""):
                    raise DataError(f"{_shown(shard)}, row {len(found)}, has no {group}; say of every image what it shows")
                found.append((answer, printable(path) if isinstance(path, str) else "", printable(str(belongs))))
    return found


def _columns(shard: Path, label: str | None) -> Columns:
    """Where pictures and labels are: from the schema that Hugging Face writes, else from types and the usual names."""
    import pyarrow as pa
    from pyarrow import parquet

    with _reading(shard):
        file = parquet.ParquetFile(shard)
        _refuse_lies(file, shard)
        schema = file.schema_arrow
        declared = _features(schema)
    pictures = [name for name, feature in declared.items() if feature.get("_type") == "Image" and name in schema.names]
    if not pictures:
        pictures = [field.name for field in schema if _is_struct_of_bytes(field.type) or pa.types.is_binary(field.type)]
    if len(pictures) > 1 and "image" in pictures:
        pictures = ["image"]
    if len(pictures) != 1:
        found = ", ".join(map(printable, schema.names[:LISTED]))
        raise DataError(f"{_shown(shard)} has {len(pictures) or 'no'} columns of image files among {found}; one is needed")
    answers = [name for name, feature in declared.items() if feature.get("_type") == "ClassLabel" and name in schema.names]
    if label is not None:
        if label not in schema.names:
            raise UsageError(f"{_shown(shard)} has no column {label!r}{did_you_mean(label, schema.names)}")
        answers = [label]
    elif not answers:
        answers = [name for name in ("label", "labels") if name in schema.names][:1]
    if len(answers) != 1:
        found = ", ".join(map(printable, answers or schema.names[:LISTED]))
        what = "several columns of labels" if answers else "no column called label"
        raise DataError(f"{_shown(shard)} has {what}: {found}; say which one with --label")
    names = declared.get(answers[0], {}).get("names") or []
    if not all(isinstance(name, str) for name in names) or len(set(map(printable, names))) < len(names):
        raise DataError(f"{_shown(shard)} names its classes {str(names)[:60]}; the names must be different texts")
    kind = schema.field(answers[0]).type
    if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise DataError(f"{_shown(shard)} has labels of type {kind}; whole numbers or texts are needed")
    in_struct = not pa.types.is_binary(schema.field(pictures[0]).type)
    return Columns(pictures[0], in_struct, answers[0], tuple(names))


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """What Hugging Face wrote about the columns; empty where it did not."""
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def _is_struct_of_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def _has_column(shard: Path, name: str) -> bool:
    from pyarrow import parquet

    with _reading(shard):
        return name in parquet.read_schema(shard).names


def _refuse_lies(file: Any, shard: Path) -> None:
    """Raise DataError if the table of contents claims what cannot be in a file of this size."""
    size, found = shard.stat().st_size, file.metadata
    chunks = [found.row_group(i).column(j) for i in range(found.num_row_groups) for j in range(found.num_columns)]
    rows = sum(found.row_group(i).num_rows for i in range(found.num_row_groups))
    if found.num_rows != rows or not 0 <= rows <= size or any(not 0 <= one.total_compressed_size <= size for one in chunks):
        raise DataError(
            f"{_shown(shard)} claims {found.num_rows:,} rows and more than its {size:,} bytes can hold; get it again"
        )


def _label(value: Any, columns: Columns, at: str) -> Any:
    if value is None or value == "":
        raise DataError(f"{at} has no label; give every image its class")
    if isinstance(value, str):
        if columns.names and value not in columns.names:
            raise DataError(f"{at} has the label {printable(value)!r}, which is none of the {len(columns.names)} classes")
        return columns.names.index(value) if columns.names else printable(value.strip())
    if value < 0 or (columns.names and value >= len(columns.names)):
        most = f"0 to {len(columns.names) - 1}" if columns.names else "0 or more"
        raise DataError(
            f"{at} has the label {value}; allowed is {most}, and -1 says that it is unknown: leave those images out"
        )
    return value if columns.names else str(value)


def _named(images: list[Listed]) -> list[Listed]:
    """The images under ids: split and path if no two have the same, else split and number."""
    ids = [f"{image.split}/{image.id}" for image in images]
    if not all(image.id for image in images) or len(set(ids)) < len(ids):
        starts: dict[str, int] = {}
        for place, image in enumerate(images):
            starts.setdefault(image.split, place)
        ids = [f"{image.split}/{place - starts[image.split]:06d}" for place, image in enumerate(images)]
    return [image._replace(id=id_) for image, id_ in zip(images, ids, strict=True)]


def _split_of(shard: Path, root: Path) -> str:
    inside = shard.relative_to(root).as_posix() if shard != root else shard.name
    found = SPLIT.findall(inside.lower())
    return NAMES_OF_SPLITS[found[-1]] if found and shard != root else "train"


def _refuse_missing_shards(shards: Sequence[Path]) -> None:
    """Names such as train-00000-of-00003 say how many there have to be."""
    found: dict[tuple[str, int], set[int]] = {}
    for shard in shards:
        if match := SHARD.fullmatch(shard.name):
            found.setdefault((f"{shard.parent}/{match[1]}", int(match[3])), set()).add(int(match[2]))
    for (name, count), numbers in found.items():
        if len(numbers) < count:
            missing = next(number for number in range(count) if number not in numbers)
            raise DataError(
                f"shard {missing} of {count} of {printable(Path(name).name)!r} is missing; give the folder that holds all shards"
            )


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _shown(path: Path) -> str:
    return printable(path.name)


def _need_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UsageError("Parquet files need pyarrow: pip install 'seefar[parquet]'") from None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        said = printable(" ".join(str(error).split()))[:100]
        raise DataError(f"{_shown(path)} is a damaged Parquet file ({said}); get it again") from error
