"""The models of a service, by name and version: loaded and tested beside those that serve, then put in their place."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seefar.cores import cores
from seefar.errors import SeefarError, UsageError
from seefar.model.model import Model
from seefar.model.onnx_engine import OnnxEngine
from seefar.model.onnx_file import bytes_of, model_from
from seefar.serving.batching import Batcher
from seefar.serving.log import Log, place_of
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem
from seefar.serving.settings import Settings
from seefar.serving.sources import Source


@dataclass(eq=False)
class Served:
    """One version of a model, ready to answer.

    Attributes:
        name: of the model.
        version: a number, as text.
        model: what answers; its self-test has passed.
        digest: the SHA-256 of its file, in hexadecimal.
        outputs: the shape of an image's answer by name; "maps" among them if it has maps.
        batcher: through which it is asked.
        keeper: what looks after the batcher.
    """

    name: str
    version: str
    model: Model
    digest: str
    outputs: dict[str, tuple[int, ...]]
    batcher: Batcher
    keeper: "asyncio.Task[None]" = field(repr=False)


@dataclass(frozen=True)
class Loaded:
    """A model that was read and tested, and serves not yet."""

    version: str
    digest: str
    model: Model
    outputs: dict[str, tuple[int, ...]]


class Models:
    """All models of a service. Its methods are called by the event loop.

    Args:
        sources: where they come from.
        settings: the bounds.
        metrics: the counters.
        log: is told of every change.
        threads: how many compute at the same time; None: as many as there are cores.
    """

    def __init__(
        self, sources: Sequence[Source], settings: Settings, metrics: Metrics, log: Log, threads: int | None = None
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._settings, self._metrics, self._log, self._threads = settings, metrics, log, threads
        self._served: dict[str, dict[str, Served]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._loaded: dict[str, list[Loaded]] = {}
        metrics.watch(self._gauges)

    def load(self) -> None:
        """Read and test all of them, before anything is served. Raises ModelFileError, DiskError, UsageError."""
        for name, source in self._sources.items():
            files = source.versions()
            self._loaded[name] = [self._test(bytes_of(file), str(file), version or "1") for version, file in files.items()]

    def load_bytes(self, contents: Mapping[str, Mapping[str, bytes]]) -> None:
        """Test files whose bytes are given, by name and version, in place of those of the sources. Raises ModelFileError."""
        for name, versions in contents.items():
            self._loaded[name] = [self._test(content, name, version) for version, content in versions.items()]

    def start(self) -> None:
        """Begin to serve what `load` has read."""
        for name, versions in self._loaded.items():
            self._served[name] = {one.version: self._start(name, one) for one in versions}
        self._loaded = {}

    def names(self) -> list[str]:
        """Of the models, in the order in which they were given."""
        return list(self._served)

    def get(self, name: str | None, version: str | None = None) -> Served:
        """A model by name and version; None: the first one, and the newest. Raises Problem if there is no such model."""
        found = self._served.get(name) if name is not None else next(iter(self._served.values()), None)
        if not found:
            raise Problem(404, "no_model", "there is no such model; GET /v1/models lists them")
        if version is None:
            return next(reversed(found.values()))
        if version not in found:
            raise Problem(404, "no_version", "there is no such version of this model; GET /v1/models lists them")
        return found[version]

    def versions(self, name: str) -> list[str]:
        """The versions of a model that serve now, the newest last."""
        return list(self._served.get(name, {}))

    def content(self, served: Served) -> bytes | None:
        """What is in the file of a model, if that is still what serves."""
        path = self._sources[served.name].versions().get(served.version, self._sources[served.name].path)
        content = bytes_of(path)
        return content if digest_of(content) == served.digest else None

    def are_well(self) -> bool:
        """Whether each of them could answer now."""
        return bool(self._served) and all(served.batcher.is_well() for served in self._all())

    def are_full(self) -> bool:
        """Whether none of them has room for one image more."""
        return bool(self._served) and all(served.batcher.is_full() for served in self._all())

    def live(self) -> bool:
        """Whether all threads live and none is stuck, however full the queues are."""
        return all(served.batcher.is_alive() for served in self._all())

    async def reload(self, name: str) -> bool:
        """Read the files of a model again; what has changed takes the place of what serves, once it has passed its self-test.

        Returns:
            Whether anything has changed.

        Raises:
            Problem: there is no such model, or the new file is not used; the versions that serve go on.
        """
        self.get(name)
        async with self._one_at_a_time:
            try:
                changed = await self._reload(name)
            except Exception as error:  # noqa: BLE001  a file that breaks a library must not end the service
                broken = {"error": type(error).__name__, "at": place_of(error)}
                why = {"reason": str(error)} if isinstance(error, SeefarError) else broken
                self._metrics.reloads.labels("refused").inc()
                self._log("reload", model=name, result="refused", **why)
                raise Problem(
                    409, "not_loaded", "the new file is not used, and the log says why; what served before goes on"
                ) from None
            result = "switched" if changed else "unchanged"
            self._metrics.reloads.labels(result).inc()
            self._log("reload", model=name, result=result, versions=self.versions(name))
            return changed

    async def reload_all(self) -> None:
        """Read all files again. What is not used is in the log."""
        for name in self.names():
            try:
                await self.reload(name)
            except Problem:
                continue

    async def close(self) -> None:
        """End all threads."""
        for task in self._retiring:
            task.cancel()
        for served in self._all():
            served.keeper.cancel()
            served.batcher.close()

    async def _reload(self, name: str) -> bool:
        old = self._served[name]
        loop = asyncio.get_running_loop()
        files = await loop.run_in_executor(None, self._sources[name].versions)
        new: dict[str, Served] = {}
        fresh: list[Loaded] = []
        for version, file in files.items():
            content = await loop.run_in_executor(None, bytes_of, file)
            digest = await loop.run_in_executor(None, digest_of, content)
            same = next((one for one in old.values() if one.digest == digest and version in ("", one.version)), None)
            if same:
                new[same.version] = same
            else:
                number = version or str(max(map(int, old)) + 1)
                fresh.append(await loop.run_in_executor(None, self._test, content, str(file), number))
        for one in fresh:
            new[one.version] = self._start(name, one)
        self._served[name] = dict(sorted(new.items(), key=lambda item: int(item[0])))
        gone = [served for served in old.values() if served not in new.values()]
        for served in gone:
            task = asyncio.create_task(self._retire(served))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        return bool(fresh or gone)

    async def _retire(self, served: Served) -> None:
        """End a version once nobody waits for it any more."""
        late = asyncio.get_running_loop().time() + self._settings.timeout
        await asyncio.sleep(1)  # requests that have found it, and not yet asked it
        while served.batcher.waiting and asyncio.get_running_loop().time() < late:
            await asyncio.sleep(0.1)
        served.keeper.cancel()
        served.batcher.close()

    def _test(self, content: bytes, called: str, version: str) -> Loaded:
        """The model in the bytes of a file, after its self-test and a batch of every size that it ever computes."""
        model = model_from(content, called, 1)
        assert isinstance(model.engine, OnnxEngine)  # noqa: S101  it comes from a file
        images = 1
        while images <= model.engine.batch:  # so that no request pays for the first time
            model.engine.run(np.zeros((images, model.size, model.size, 3), np.uint8))
            images *= 2
        return Loaded(version, digest_of(content), model, outputs_of(model))

    def _start(self, name: str, one: Loaded) -> Served:
        batcher = Batcher(one.model, name, self._settings, self._metrics, decoders(), self._threads or cores())
        batcher.start()
        return Served(name, one.version, one.model, one.digest, one.outputs, batcher, asyncio.create_task(batcher.look_after()))

    def _all(self) -> Iterator[Served]:
        for versions in self._served.values():
            yield from versions.values()

    def _gauges(self) -> Iterator[tuple[str, str, dict[str, str], float]]:
        for served in self._all():
            labels = {"model": served.name, "version": served.version}
            yield "seefar_queue_images", "images that wait or are being computed", labels, served.batcher.waiting
            yield "seefar_model_info", "what serves", {**labels, "sha256": served.digest}, 1


def outputs_of(model: Model) -> dict[str, tuple[int, ...]]:
    """The shape of an image's answer by name: probabilities, logits, features, and maps where the model has them; computed once."""
    image = np.zeros((1, model.size, model.size, 3), np.uint8)
    try:
        found = model.answers(image, maps=True)
    except UsageError:
        found = model.answers(image)
    arrays = {"probabilities": found.probabilities, "logits": found.logits, "features": found.features, "maps": found.maps}
    return {name: array.shape[1:] for name, array in arrays.items() if array is not None}


def decoders() -> int:
    """How many threads decode for each model: a large picture is not to hold up the small ones."""
    return max(2, min(cores(), 4))


def digest_of(content: bytes) -> str:
    """The SHA-256 of the bytes of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
