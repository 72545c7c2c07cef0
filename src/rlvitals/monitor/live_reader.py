"""The reading half of a run that is being written: from the live window where that will do, else from the folder."""

from typing import TypeVar

from rlvitals.clock import Clock
from rlvitals.diagnosis import Collector, Context, Diagnosis, context_from, diagnose, evidence_of
from rlvitals.errors import RunError
from rlvitals.monitor.live_diagnosis import Vigil
from rlvitals.reading import Readings, Standing
from rlvitals.recording import Recorder
from rlvitals.records import STREAM_OF, Episode, PolicyUpdate, Record
from rlvitals.summary.life import time_spent

R = TypeVar("R", bound=Record)


class LiveReadings(Readings):
    """Answers for a recorder. Safe from any thread, from a signal handler, and in the child of a fork."""

    _recorder: Recorder
    _clock: Clock
    _vigil: Vigil | None

    @property
    def window_size(self) -> int:
        """Records of each stream in the live window."""
        return self._recorder.window.size

    def recent_episodes(self, count: int) -> list[Episode]:
        """The last episodes, oldest first: from the live window, or from the folder what that does not hold."""
        return self._recent(Episode, count, self._recorder.window.episodes)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """The last updates, oldest first, likewise."""
        return self._recent(PolicyUpdate, count, self._recorder.window.updates)

    def now(self) -> float:
        """The time (UTC, seconds since 1970)."""
        return self._clock.time()

    def standing(self) -> Standing:
        """Where the training stands, as its own monitor knows."""
        header, window, losses = self._recorder.session.header, self._recorder.window, self._recorder.losses()
        return Standing(
            session_id=header.run_id,
            path=self._recorder.path,
            status=header.status,
            total_episodes=window.episodes,
            training_seconds=time_spent(header, header.ended or self._clock.time()),
            last_updated=header.ended or window.last_time or header.started,
            lost={"records": losses.records, **losses.sinks},
            sinks=self._recorder.sink_names,
        )

    def diagnosis(self) -> Diagnosis:
        """What is wrong with the training, if anything, and how healthy it is."""
        if self._vigil is not None and not self._recorder.is_child:
            self._recorder.catch_up()
            return self._vigil.diagnosis()
        # In the child of a fork the vigil may be locked for ever, by a thread that does not exist there.
        context = self._context()
        try:
            evidence = evidence_of(self.run, context=context)
        except (RunError, OSError):  # the folder is gone, which the check of the file system says
            evidence = Collector().evidence(context)
        return diagnose(evidence)

    def _recent(self, kind: type[R], count: int, total: int) -> list[R]:
        held: list[R] = self._recorder.window.last(kind, count)
        if len(held) >= min(count, total):
            return held
        # The window is shorter than what is asked for, or was emptied by a resumption or a rewind.
        try:
            kept: list[R] = self.run.stream(STREAM_OF[kind]).last(count)
        except (RunError, OSError):
            return held
        return kept if len(kept) > len(held) else held

    def _begin_vigil(self, target: float | None) -> Vigil | None:
        interval_s = self._recorder.settings.look_interval_s
        if interval_s is None:
            return None
        vigil = Vigil(
            self._recorder.write,
            self._context,
            self.run,
            clock=self._clock,
            interval_s=interval_s,
            target=target,
            resumed=self._recorder.session.resumed,
            missed=lambda: self._recorder.unobserved,
        )
        self._recorder.attend(vigil)
        return vigil

    def _context(self) -> Context:
        header, losses = self._recorder.session.header, self._recorder.losses()
        return context_from(
            header, status=header.status, reason="", lost=losses.records, troubles=self._recorder.troubles()
        )
