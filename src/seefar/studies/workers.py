"""Where the trainings of a study run: in this process, in several of this machine, or on a Ray cluster, with the same bits."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from seefar.children import enter_child
from seefar.cluster import connected, cores_of_machines
from seefar.data.images import Dataset
from seefar.errors import DivergedError, OutOfMemoryError, SeefarError, UsageError
from seefar.evaluation.evaluate import evaluate
from seefar.networks.device import keep_freed_memory, keeps_freed_memory
from seefar.recipes import Recipe
from seefar.training.train import train


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        path: of its run folder; the process that trains has to see the same disk.
        recipe: what is trained.
        seed: of weights, order, augmentation and dropout.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU; the bits of the result depend on it.
    """

    path: Path
    recipe: Recipe
    seed: int
    device: str
    threads: int


Outcome = tuple[Job, str | None]  # a job that is done, and why it failed, if it did


def train_and_evaluate(job: Job, images: Dataset) -> str | None:
    """Train, or resume, and evaluate on validation. Returns why it failed, None if it did not."""
    try:
        run = train(images, job.recipe, job.seed, out=job.path, resume=True, device=job.device, threads=job.threads, quiet=True)
    except (DivergedError, OutOfMemoryError) as error:
        return str(error)
    evaluate(run, "validation", data=images, device=job.device)
    return None


def outcomes(jobs: Sequence[Job], images: Dataset, processes: int = 1, ray: str | None = None) -> Iterator[Outcome]:
    """Carry out the jobs, in whatever order, and yield each as it is done.

    Args:
        jobs: what is to be done; their run folders differ.
        images: for all of them.
        processes: how many work at the same time on this machine.
        ray: the address of a Ray cluster, which then does the work: "auto", "local", or "ray://host:port".

    Raises:
        UsageError: no Ray, or no machine of the cluster has enough cores.
        SeefarError: a process was killed from outside.
    """
    if ray is not None:
        return _on_ray(jobs, images, ray)
    if processes > 1 and len(jobs) > 1:
        return _in_processes(jobs, images, processes)
    return ((job, train_and_evaluate(job, images)) for job in jobs)


_images: Dataset  # in a process of its own: what all its jobs are about


def _in_processes(jobs: Sequence[Job], images: Dataset, count: int) -> Iterator[Outcome]:
    """Several processes of this machine, each of which does one job after the other."""
    given = (images, keeps_freed_memory())
    pool = ProcessPoolExecutor(min(count, len(jobs)), multiprocessing.get_context("spawn"), _enter_pool, given)
    before = set(multiprocessing.active_children())
    try:
        for future in as_completed([pool.submit(_train_and_evaluate_here, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool:
        raise SeefarError(
            "a process that trains was killed from outside, perhaps since memory ran out; what is finished is kept: give the same "
            "command again, with fewer --jobs (in a script, call this below `if __name__ == '__main__':`)"
        ) from None
    finally:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()  # a training obeys after its step, and saves
        pool.shutdown(cancel_futures=True)


def enter_worker(keeps_freed: bool) -> None:
    """What a started process does first: leave Ctrl-C to its parent, end with it, and treat freed memory as it does."""
    enter_child()
    if keeps_freed:
        keep_freed_memory()


def _enter_pool(images: Dataset, keeps_freed: bool) -> None:
    """What each process of a study does first."""
    global _images
    _images = images
    enter_worker(keeps_freed)


def _train_and_evaluate_here(job: Job) -> Outcome:
    return job, train_and_evaluate(job, _images)


def _on_ray(jobs: Sequence[Job], images: Dataset, address: str) -> Iterator[Outcome]:
    """The processes of a Ray cluster; Ray decides where each job is done, and does it again if a machine is lost."""
    with connected(address):
        import ray
        from ray.exceptions import RayTaskError

        _check_cores(jobs, cores_of_machines())
        work = ray.remote(train_and_evaluate)
        shared = ray.put(images)
        waiting = {
            work.options(num_cpus=job.threads, num_gpus=int(job.device == "cuda")).remote(job, shared): job for job in jobs
        }
        while waiting:
            [done], _ = ray.wait(list(waiting))
            try:
                failure = ray.get(done)
            except RayTaskError as error:
                raise (error.cause if isinstance(error.cause, SeefarError) else error) from None
            job = waiting.pop(done)
            if not (job.path / "evaluation-validation.json").exists():
                raise UsageError(
                    f"a machine of the cluster wrote {job.path}, but it cannot be seen from here; choose a folder on a disk that all "
                    "machines share (--out)"
                )
            yield job, failure


def _check_cores(jobs: Sequence[Job], cores: Sequence[float]) -> None:
    """Raise UsageError if a job would wait for ever, since no machine is large enough for it."""
    threads, most = max((job.threads for job in jobs), default=0), max(cores, default=0)
    if threads > most:
        raise UsageError(
            f"each training has {threads} threads, but no machine of the cluster has more than {most:g} cores; give fewer --threads"
        )
