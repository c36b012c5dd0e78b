"""Requests that come at the same time share a batch of the network."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from ..prediction import Prediction, Predictor
from ..prediction.images import ReadImage
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
        predictor: predictor that this thread alone uses.
        limits: bounds of queue, batch and time.

    Attributes:
        observe: function that gets the number of images of each batch.
    """

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self.predictor = predictor
        self.limits = limits
        self.observe: Callable[[int], None] = lambda _: None
        self._jobs: queue.Queue[_Job | None] = queue.Queue()  # bounded by submit
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name='batcher', daemon=True)
        self._thread.start()

    def submit(self, image: np.ndarray, deadline: float | None = None) -> Future[Prediction]:
        """Queue an image.

        Args:
            image: photograph as the predictor's ``reading`` has it, (H, W, C) uint8, RGB where C
                is 3.
            deadline: time of the monotonic clock, in seconds, by which a batch must have taken the
                image; None for as many seconds from now as the limits say.

        Returns:
            The prediction to come. It fails with OverloadedError if its time is up first. Who has
            no more use for it cancels it.

        Raises:
            OverloadedError: the queue has no room, or the service ends.
        """
        job = _Job(image, deadline or time.monotonic() + self.limits.seconds)
        with self._lock:
            if not self.has_room(1):
                raise OverloadedError('the queue is full')
            self._waiting += 1
            self._jobs.put(job)
        return job.result

    def has_room(self, images: int) -> bool:
        """Return whether so many images can be queued now."""
        return not self._closed and self._waiting + images <= self.limits.queue

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
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Predict a batch (nothing of it is held when the next is waited for); False: the end."""
        batch = self._next_batch()
        if batch is None:
            return False
        now = time.monotonic()
        ready = []
        for job in batch:
            if job.deadline < now:
                job.result.set_exception(OverloadedError('it waited too long'))
            else:
                ready.append(job)
        if ready:
            self._predict(ready)
        return True

    def _predict(self, jobs: Sequence[_Job]) -> None:
        self.observe(len(jobs))
        try:
            predictions = list(self.predictor.predict(ReadImage(job.image) for job in jobs))
        except Exception as error:  # of all of them: no request may end this thread
            for job in jobs:
                job.result.set_exception(error)
            return
        for job, prediction in zip(jobs, predictions, strict=True):
            job.result.set_result(prediction)

    def _next_batch(self) -> list[_Job] | None:
        """Wait for a job, then a little for others; None when the service ends."""
        batch: list[_Job] = []
        end = None
        while len(batch) < self.limits.batch:
            try:
                job = self._jobs.get(timeout=end and max(0.0, end - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                if not batch:
                    return None
                self._jobs.put(None)
                break
            with self._lock:
                self._waiting -= 1
            if job.result.set_running_or_notify_cancel():  # else its client has left
                batch.append(job)
                end = end or time.monotonic() + self.limits.linger
        return batch
