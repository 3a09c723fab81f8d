"""`seefar serve`: trained networks behind HTTP, until a signal ends it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

EXAMPLES = (
    "seefar serve runs/shapes-tiny-seed0",
    "seefar serve shapes=model.onnx deer=deer.onnx --port 8001 --log requests.jsonl",
    "seefar serve model.onnx --host 0.0.0.0 --token token.txt --allow-host models.example.org",
    "seefar serve model.onnx --ray auto --replicas 8",
)


def serve(
    models: list[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: Path | None = None,
    allow_host: Annotated[list[str] | None, Parameter(negative="")] = None,
    allow_origin: Annotated[list[str] | None, Parameter(negative="")] = None,
    batch: int = 32,
    queue: int = 256,
    timeout: float = 10.0,
    max_body: int = 16 * 2**20,
    connections: int | None = None,
    drain: float | None = None,
    grace: float = 20.0,
    threads: int | None = None,
    log: Path | None = None,
    ray: str | None = None,
    replicas: int = 4,
) -> None:
    """Answer images over HTTP: POST /v1/predict, the Open Inference Protocol, health, metrics; needs pip install 'seefar[serve]'.

    A browser that opens its address gets a page on which the first model can be tried (see seefar playground), but not with --token.

    Models are read again on SIGHUP. SIGTERM and Ctrl-C end it once the requests that are there have their answers.

    Parameters
    ----------
    models
        ONNX files, runs (exported first), or folders with versions such as 1/model.onnx; NAME=PATH gives a name.
    host
        The address to listen on. Others than the machine's own need --token.
    port
        0: any free one.
    token
        A file with a secret that requests have to present as "Authorization: Bearer ...".
    allow_host
        A name by which the service may be called, besides localhost and addresses; may be given several times.
    allow_origin
        A web page elsewhere that may use it from a browser, such as https://example.org.
    batch
        Images of several requests that are computed together, at most; a power of two. A request with more is computed alone.
    queue
        Images of a model that wait or are being computed, at most; what comes beyond is refused at once.
    timeout
        Seconds after which a request that was not begun is given up.
    max_body
        Bytes of a request, at most.
    connections
        Open connections, at most; by default 1000. Not with --ray.
    drain
        After SIGTERM: seconds in which it says that it is not ready, and still answers; by default 1. Not with --ray.
    grace
        Then: seconds for the requests that are there.
    threads
        Threads that compute, each a batch of its own; by default one for each core.
    log
        Add the log to this file, one JSON object a line; by default it goes to stderr. Not with --ray.
    ray
        Deploy on a Ray cluster, or update what is deployed there: auto, local, or ray://host:port; needs pip install 'seefar[serve-ray]'.
    replicas
        On Ray: so many at most; it starts them as the load grows.
    """
    from seefar.errors import UsageError

    try:
        from seefar.serving.freed_memory import give_back_freed_memory
        from seefar.serving.server import serve as run
    except ModuleNotFoundError as error:
        raise UsageError(f"serving needs {error.name}; pip install 'seefar[serve]'") from None
    from seefar.serving.settings import Settings, host_names, read_token

    settings = Settings(
        batch=batch,
        queue=queue,
        timeout=timeout,
        body=max_body,
        connections=1000 if connections is None else connections,
        drain=1.0 if drain is None else drain,
        grace=grace,
        token=None if token is None else read_token(token),
        hosts=host_names(allow_host or []),
        origins=tuple(allow_origin or []),
    )
    if ray is not None:
        if any(given is not None for given in (log, drain, connections)):
            raise UsageError("with --ray it is Ray that logs, drains and connects; leave out --log, --drain and --connections")
        from seefar.serving.on_ray import serve_on_ray

        serve_on_ray(models, ray, host, port, settings, replicas=replicas, threads=threads, tell=_tell)
        return
    from seefar.playing.folder import page_of_bytes

    give_back_freed_memory()
    if token is None:
        run(models, host, port, settings, log=log, threads=threads, playground=page_of_bytes, tell=_tell)
    else:
        run(models, host, port, settings, log=log, threads=threads, tell=_tell_with_token)


def _tell(address: str, names: list[str]) -> None:
    print(f"serving {', '.join(names)} at {address}", flush=True)


def _tell_with_token(address: str, names: list[str]) -> None:
    _tell(address, names)
    print("with a token there is no page for browsers: it would give them the model; use seefar playground", flush=True)
