"""Requests that come at the same time share a batch of the network."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from ..prediction import Prediction, Predictor
from .settings import Limits


class OverloadedError(Exception):
    """There is more to do than the limits allow; try again later."""


@dataclass
class _Job:
    image: np.ndarray
    deadline: float
    result: Future[Prediction] = field(default_factory=Future)


class Batcher:
    """One thread that predicts what is queued, as much at a time as there is.

    Args:
        predictor: used by this thread alone.
        limits: bounds of queue, batch and time.

    Attributes:
        observe: is told the size of each batch.
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.predictor = predictor
        self.limits = limits
        self.observe: Callable[[int], None] = lambda _: None
        self._jobs: queue.Queue[_Job | None] = queue.Queue()  # bounded by submit
        self._lock = threading.Lock()
        self._waiting = self._pixels = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name='batcher', daemon=True)
        self._thread.start()

    def submit(self, images: Sequence[np.ndarray]) -> list[Future[Prediction]]:
        """Queue the images of a request.

        Args:
            images: (H, W, 3) uint8 RGB each.

        Returns:
            A future for each; it fails with OverloadedError if its time is up first.

        Raises:
            OverloadedError: there is no room for all of them, or the service ends.
        """
        deadline = time.monotonic() + self.limits.seconds
        jobs = [_Job(image, deadline) for image in images]
        pixels = sum(_pixels(job) for job in jobs)
        with self._lock:
            if not self.has_room(len(jobs), pixels):
                raise OverloadedError('the queue is full')
            self._waiting += len(jobs)
            self._pixels += pixels
            for job in jobs:
                self._jobs.put(job)
        return [job.result for job in jobs]

    def has_room(self, images: int, pixels: int = 0) -> bool:
        """Return whether so many images can be queued now; one that is alone always can."""
        if self._closed or self._waiting + images > self.limits.queue:
            return False
        return not self._waiting or self._pixels + pixels <= self.limits.queue_pixels

    def waiting(self) -> int:
        """Return how many images are in the queue."""
        return self._waiting

    def close(self) -> None:
        """Predict what is queued, then end."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            with self._lock:
                self._waiting -= len(batch)
                self._pixels -= sum(map(_pixels, batch))
            now = time.monotonic()
            ready = []
            for job in batch:
                if not job.result.set_running_or_notify_cancel():
                    continue
                if job.deadline < now:
                    job.result.set_exception(OverloadedError('it waited too long'))
                else:
                    ready.append(job)
            if ready:
                self._predict(ready)

    def _predict(self, jobs: Sequence[_Job]) -> None:
        self.observe(len(jobs))
        try:
            predictions = list(self.predictor.predict(job.image for job in jobs))
        except Exception as error:  # of all of them: no request may end this thread
            for job in jobs:
                job.result.set_exception(error)
            return
        for job, prediction in zip(jobs, predictions, strict=True):
            job.result.set_result(prediction)

    def _next_batch(self) -> list[_Job] | None:
        """Wait for a job, then a little for others; None when the service ends."""
        first = self._jobs.get()
        if first is None:
            return None
        batch = [first]
        end = time.monotonic() + self.limits.linger
        while len(batch) < self.limits.batch:
            try:
                job = self._jobs.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            batch.append(job)
        return batch


def _pixels(job: _Job) -> int:
    return job.image.shape[0] * job.image.shape[1]
