"""`seefar serve` under load, beside what it is made of and beside its peers, on two cores and nothing else running.

    .venv/bin/python benchmarks/load.py model.onnx throughput   # the ceiling, against decoding and bare ONNX Runtime
    .venv/bin/python benchmarks/load.py model.onnx latency      # a lone request, and 70 % of the ceiling at a constant rate
    .venv/bin/python benchmarks/load.py model.onnx overload     # twice the ceiling for a minute
    .venv/bin/python benchmarks/load.py model.onnx soak         # ten minutes of good and hostile requests
    .venv/bin/python benchmarks/load.py model.onnx peers        # LitServe, Ray Serve and FastAPI with a lock, the same file and images
    .venv/bin/python benchmarks/load.py model.onnx all --out load.json

The load comes from another process: h2load (Debian: nghttp2-client). Peers live in .venv/peers, from
benchmarks/peers/requirements-serving.txt. `--seconds N` shortens everything, to try it out. Prints Markdown; --out keeps the numbers.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from load_clients import Load, as_forms, checked, hostile, load, lone
from load_servers import PEERS, Server, peer, seefar_serve
from PIL import Image

import seefar as sf
from seefar.data.decode import decode, decode_some
from seefar.playing.from_file import examples_in

BATCH = 32
CONNECTIONS = 64
FEW = 4  # connections that send whole batches
CROWD = 640  # connections of an overload: more than the queue has places, else nothing would have to be refused


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("what", choices=[*MEASURES, "all"])
    parser.add_argument("--seconds", type=float, help="of each measurement, in place of the usual ones")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = pictures(asked.model, Path(folder))
        for name in MEASURES if asked.what == "all" else [asked.what]:
            found[name] = MEASURES[name](asked.model, files, asked.seconds)
            print(f"\n**{name}**\n")
            show(found[name])
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=2) + "\n")


def show(found: dict[str, Any]) -> None:
    """A table of two columns, or one with a row for each server."""
    if all(isinstance(value, dict) for value in found.values()):
        columns = list(next(iter(found.values())))
        print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
        for name, row in found.items():
            print(f"| {name} | " + " | ".join(str(row.get(column)) for column in columns) + " |")
    else:
        print("| what | value |\n|---|---|")
        for name, value in found.items():
            print(f"| {name} | {value} |")


def pictures(model: Path, folder: Path) -> list[Path]:
    """The images of the model's self-test at the model's size, as PNG files."""
    loaded = sf.load_model(model)
    examples = examples_in(model.read_bytes(), len(loaded.classes))
    files = []
    for number, example in enumerate(examples):
        file = folder / f"{number}.png"
        Image.fromarray(decode(example.file, loaded.size, loaded.background).pixels).save(file)
        files.append(file)
    return files


def bare(model: Path, files: list[Path], seconds: float) -> float:
    """Images a second of decoding and ONNX Runtime alone, all cores, in batches."""
    loaded = sf.load_model(model)
    contents = [files[number % len(files)].read_bytes() for number in range(BATCH)]

    def once() -> None:
        found = decode_some(lambda content: content, contents, loaded.size, loaded.background)
        loaded.answers(np.stack([one.pixels for one in found]))  # type: ignore[union-attr]

    once()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        once()
        done += BATCH
    return done / (time.perf_counter() - began)


def ceiling(url: str, files: list[Path], seconds: float, connections: int = CONNECTIONS) -> float:
    """Requests a second that are answered, if the next one comes as soon as one is."""
    load(url, files[0], min(5, seconds), connections)  # to warm up
    return load(url, files[0], seconds, connections).rate


def throughput(model: Path, files: list[Path], seconds: float | None) -> dict[str, Any]:
    """The ceiling beside the bare rate, taken in turns: with an image in each request, and with as many as a batch has."""
    single, whole, alone = list[float](), list[float](), list[float]()
    forms = as_forms(files, BATCH)
    with seefar_serve(model) as server:
        for _ in range(3):
            alone.append(bare(model, files, seconds or 10))
            single.append(ceiling(server.url, files, seconds or 20))
            whole.append(BATCH * ceiling(server.url, forms, seconds or 20, FEW))

    def row(served: list[float]) -> dict[str, Any]:
        share = [ours / theirs for ours, theirs in zip(served, alone, strict=True)]
        return {
            "images a second": round(median(served)),
            "share": f"{median(share):.1%} ({', '.join(f'{one:.1%}' for one in share)})",
        }

    return {
        "decoding and bare ONNX Runtime": row(alone),
        "an image a request": row(single),
        f"{BATCH} images a request": row(whole),
    }


def latency(model: Path, files: list[Path], seconds: float | None) -> dict[str, Any]:
    """A lone request, and the tail at 70 % of the ceiling, from when each request should have been sent."""
    with seefar_serve(model) as server:
        alone = sorted(lone(server.url, files, seconds or 10))
        most = ceiling(server.url, files, seconds or 20)
        result = load(server.url, files[0], seconds or 60, CONNECTIONS, 0.7 * most)
    return {
        "lone request, ms, p50": _at(alone, 0.5),
        "lone request, ms, p99": _at(alone, 0.99),
        "rate": round(0.7 * most),
        **_tail(result),
    }


def overload(model: Path, files: list[Path], seconds: float | None) -> dict[str, Any]:
    """Twice the ceiling, while another client checks answers."""
    with seefar_serve(model) as server:
        before = sorted(lone(server.url, files, 3))
        most = ceiling(server.url, files, seconds or 20)
        memory = [server.megabytes()]
        with checked(model, server.url, files) as checks:
            result = load(server.url, files[0], seconds or 60, CROWD, 2 * most)
        memory.append(server.megabytes())
        after = sorted(lone(server.url, files, 5))
    return {
        "offered a second": round(2 * most),
        "sent a second": round((len(result.times) + len(result.refusals)) / result.seconds),
        "accepted a second": round(result.rate),
        "refused": len(result.refusals),
        "refused within, ms, p50 / p99 / most": " / ".join(str(_at(result.refusals, share)) for share in (0.5, 0.99, 1)),
        "not answered": result.broken,
        "answers checked, wrong": f"{checks['right'] + checks['wrong']}, {checks['wrong']}",
        "memory before and after, MB": memory,
        "lone request before and in the 5 s after, ms, p50": f"{_at(before, 0.5)}, {_at(after, 0.5)}",
    }


def soak(model: Path, files: list[Path], seconds: float | None) -> dict[str, Any]:
    """Good and hostile requests for ten minutes."""
    whole = seconds or 600
    with (
        seefar_serve(model) as server,
        checked(model, server.url, files, threads=4) as checks,
        hostile(server.url, files) as attacks,
    ):
        memory, most = list[float](), list[float]()
        for _ in range(10):
            seen = list[float]()
            late = time.monotonic() + whole / 10
            while time.monotonic() < late:
                time.sleep(0.5)
                seen.append(server.megabytes())
            memory.append(min(seen))  # a picture of 16 million pixels that is just being decoded is no leak
            most.append(max(seen))
        text = server.log.read_text() if server.log else ""
        failed = text.count('"status": 500')
        files_open, threads = server.process.num_fds(), server.process.num_threads()
    return {
        "seconds": whole,
        "answers checked, wrong": f"{checks['right'] + checks['wrong']}, {checks['wrong']}",
        "refused": checks["refused"],
        "hostile requests": attacks["sent"],
        "memory in each tenth, MB, least": memory,
        "memory in each tenth, MB, most": most,
        "minute 10 against minute 2": f"{memory[-1] / memory[1] - 1:+.1%}",
        "open files, threads": f"{files_open}, {threads}",
        "tracebacks, answers with 500": f"{text.count('Traceback')}, {failed}",
    }


def peers(model: Path, files: list[Path], seconds: float | None) -> dict[str, Any]:
    """The same for each server, one after the other."""

    def row(server: Server, files: list[Path]) -> dict[str, Any]:
        alone = sorted(lone(server.url, files, seconds or 5))
        most = ceiling(server.url, files, seconds or 20)
        result = load(server.url, files[0], seconds or 30, CONNECTIONS, 0.7 * most)
        return {
            "requests a second": round(most),
            "lone request, ms, p50": _at(alone, 0.5),
            **_tail(result),
            "memory, MB": server.megabytes(),
        }

    with seefar_serve(model) as server:
        found = {"seefar serve": row(server, files)}
    for name in PEERS:
        with peer(name, model) as server:
            found[name] = row(server, as_forms(files) if name == "LitServe" else files)
    return found


MEASURES = {"throughput": throughput, "latency": latency, "overload": overload, "soak": soak, "peers": peers}


def _tail(result: Load) -> dict[str, Any]:
    """How long the answers at 70 % of the ceiling took."""
    return {
        "ms at 70 %, p50": _at(result.times, 0.5),
        "ms at 70 %, p99": _at(result.times, 0.99),
        "refused or not answered": len(result.refusals) + result.broken,
    }


def _at(numbers: list[float], share: float) -> float | None:
    return round(numbers[min(int(len(numbers) * share), len(numbers) - 1)], 2) if numbers else None


if __name__ == "__main__":
    main()
