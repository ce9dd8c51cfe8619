"""Runs one operation: claims it, does its steps, and alone writes its end.

Every way out ends the operation, lets it wait for another try, or leaves it to whoever took it
over. An expected failure says what failed, what is true now and what to do next; a bug gets an
incident number, its traceback only in the log.
"""

from __future__ import annotations

import random
import secrets
import uuid
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from drivers import base
from drivers.errors import CallCanceled, CallTimedOut, DriverError, SiteUnavailable, StaleEpoch
from groups import errors, models, transitions
from groups.engine import calls, context as contexts, leases, truth
from groups.engine.handlers import handler_for
from groups.engine.handlers.base import Handler
from groups.engine.journal import Journal
from groups.engine.steps import Step, Work
from groups.statuses import OperationState, StepState

log = structlog.get_logger(__name__)

_LOOK_BACK_SECONDS = 5.0
_MOST_DEATHS = 20
"""How often an operation is taken over before it counts as the cause of its workers' deaths."""
_BUG = "A fault in Replsite stopped the operation (incident {incident}); the log has the details."
_BUG_REMEDY = "Report the incident number with the log; the operation can be run again."


def run(*, operation_id: uuid.UUID, owner: str, left_at_fence: int | None = None) -> bool:
    """Run an operation if it is due, or was left to this worker, and nobody else has it; return whether it ran."""
    operation = transitions.claim(
        operation_id, owner=owner, lease_seconds=settings.REPLSITE.lease_seconds, left_at_fence=left_at_fence
    )
    if operation is None:
        return False
    with structlog.contextvars.bound_contextvars(
        operation_id=str(operation.pk),
        kind=operation.kind,
        subject_id=str(operation.subject_id),
        attempt=operation.attempt,
        request_id=operation.request_id,
    ):
        _Attempt(operation).work()
    return True


def owner_name(worker: str) -> str:
    """Return a name for one worker's claim that no other claim has."""
    return f"{worker}/{secrets.token_hex(4)}"


class WorkersDied(DriverError):
    """Worker after worker died over the same operation."""

    code = "workers_died"
    remedy = "See in the log or the kernel's messages what killed the workers, then run the operation again."

    def __init__(self) -> None:
        super().__init__(f"{_MOST_DEATHS} workers died or went silent over this operation.")


class _Canceled(Exception):
    """The operation was asked to stop, and may."""


class _Attempt:
    """One claimed attempt at one operation."""

    def __init__(self, operation: models.Operation) -> None:
        self.operation = operation
        self.lease = leases.OperationLease(operation)
        self.lease.stop_requested = operation.state == OperationState.CANCELING
        self.handler: Handler | None = None

    def work(self) -> None:
        """Do what is left to do, and end the operation one way or another."""
        log.info("attempt_started")
        try:
            self._work()
        except errors.LeaseLost as error:
            log.warning("lease_lost", why=str(error))
        except calls.Abandoned as error:
            # An undo hangs: what is left is undone under a new epoch, by whoever claims it next.
            log.warning("undo_abandoned", error=error.message)
            leases.release(self.operation)
        except DatabaseError as error:
            connection.close()
            log.warning("database_failed", error=type(error).__name__)
            self._give_back()
        # The edge of a worker: a bug here must end this operation, and no other.
        except Exception as error:
            self._end_as_bug(error)

    def _give_back(self) -> None:
        """Let the operation be claimed anew at once, if only the connection was lost."""
        try:
            leases.release(self.operation)
        except DatabaseError:
            # The row keeps its lease until it expires; whoever claims it then goes on from there.
            connection.close()

    def _work(self) -> None:
        try:
            handler = handler_for(contexts.load(self.operation))
        except DriverError as error:
            self._end_failed(error, facts=None)
            return
        self.handler = handler
        steps = handler.steps()
        handler.context.journal.open(steps)
        if self.operation.attempt - self.operation.failures > _MOST_DEATHS:
            self._end_failed(WorkersDied(), facts=self._look_back(handler))
            return
        if self.operation.undoing:
            self._undo(handler, steps, error=None)
            return
        try:
            for step in steps:
                self._do(handler, step)
            self._succeed(handler)
        except (_Canceled, CallCanceled):
            self._undo(handler, steps, error=None)
        except DriverError as error:
            self._failed(handler, steps, error)

    def _do(self, handler: Handler, step: Step) -> None:
        journal = handler.context.journal
        anew = step.every_attempt and not _commit_begun(handler)
        if journal.is_settled(step) and not anew:
            return
        may_stop = not (step.commits and journal.was_begun(step)) and not _committed(handler)
        if self.lease.stop_requested and may_stop:
            raise _Canceled
        if step.when is not None and not step.when() and not (step.sticks and journal.was_begun(step)):
            journal.finish(step, state=StepState.SKIPPED)
            return
        self._begin(journal, step, may_stop=may_stop)
        log.info("step_started", step=step.name)
        try:
            result = self._call(step, step.run, may_stop=not step.commits and not _committed(handler))
        except DriverError as error:
            journal.finish(step, state=StepState.FAILED, error=error.message)
            journal.write()
            if not step.may_fail or isinstance(error, (calls.Abandoned, StaleEpoch)):
                raise
            log.warning("step_failed", step=step.name, error=error.message)
            return
        journal.finish(step, state=StepState.DONE, result=result or {})

    def _begin(self, journal: Journal, step: Step, *, may_stop: bool) -> None:
        """Note that a step starts; the same write looks whether the operation was asked to stop. Raises `LeaseLost`."""
        if journal.begin(step, in_states=(OperationState.RUNNING,)):
            return
        self.lease.look()
        if self.lease.stop_requested and may_stop:
            raise _Canceled
        if not journal.begin(step, in_states=(OperationState.RUNNING, OperationState.CANCELING)):
            raise errors.LeaseLost(f"operation {self.operation.pk}, fence {self.operation.fence}")

    def _call(self, step: Step, work: Work, *, may_stop: bool) -> dict[str, object] | None:
        result = calls.make(
            work,
            name=step.name,
            epoch=self.operation.epoch,
            deadline_seconds=step.deadline_seconds or settings.REPLSITE.driver_deadline_seconds,
            lease=self.lease,
            may_stop=may_stop,
        )
        return dict(result) if result is not None else None

    # Ends.

    def _succeed(self, handler: Handler) -> None:
        def within() -> None:
            handler.context.journal.write_held()
            handler.on_success()

        transitions.end(
            self.operation,
            how=transitions.End(
                state=OperationState.SUCCEEDED,
                to=handler.outcome(),
                result=handler.result(),
                subject_fields=handler.success_fields(),
                within=within,
            ),
        )
        log.info("operation_succeeded")

    def _failed(self, handler: Handler, steps: Sequence[Step], error: DriverError) -> None:
        """Try again later if that may help; else undo what can be undone, and end."""
        log.warning("step_failed", step=self.operation.step, error=error.message, code=error.code)
        if isinstance(error, StaleEpoch):
            # Either somebody took the operation over, which this tells by raising, or the
            # storage has seen an epoch this database never gave out.
            self.lease.renew()
        hopeful = handler.waits_for_sites or not isinstance(error, (SiteUnavailable, CallTimedOut))
        again = hopeful and error.retryable and self.operation.failures < settings.REPLSITE.retry_limit
        if again and not self.lease.stop_requested:
            if self._wait(error):
                return
            self.lease.stop_requested = True
        if isinstance(error, calls.Abandoned):
            # The hung call may still act under this epoch: what comes next needs a higher one.
            handler.context.journal.begin_undo(code=error.code, error=error.message, remedy=error.remedy)
            leases.release(self.operation)
            return
        canceled = self.lease.stop_requested and not _committed(handler)
        self._undo(handler, steps, error=None if canceled else error)

    def _wait(self, error: DriverError) -> bool:
        base_seconds, longest = settings.REPLSITE.retry_base_seconds, settings.REPLSITE.retry_max_seconds
        seconds = min(longest, base_seconds * 2**self.operation.failures) * random.uniform(0.5, 1.0)  # noqa: S311
        return transitions.wait(self.operation, seconds=seconds, code=error.code, error=error.message)

    def _undo(self, handler: Handler, steps: Sequence[Step], *, error: DriverError | None) -> None:
        """Undo the begun steps in reverse, then end as failed or canceled.

        `error` is None for a cancellation, and when an earlier attempt had begun to undo.
        """
        journal = handler.context.journal
        if not self.operation.undoing:
            cause = error or CallCanceled("Canceled on request.")
            journal.begin_undo(code=cause.code, error=cause.message, remedy=cause.remedy)
            self.operation.error_code, self.operation.error = cause.code, cause.message
            self.operation.remedy = cause.remedy
        canceled = self.operation.error_code == CallCanceled.code
        if not _committed(handler):
            for step in reversed(steps):
                if step.undo is not None and journal.was_begun(step) and (canceled or step.undo_on_failure):
                    self._undo_step(handler, step)
        facts = self._look_back(handler)
        problem = handler.undone_problem(facts) if canceled else ""
        if canceled and not problem and not self._undo_failed(handler, steps):
            self._end_canceled(handler)
        else:
            self._end_failed(error, facts=facts, problem=problem)

    def _undo_step(self, handler: Handler, step: Step) -> None:
        journal = handler.context.journal
        # One that failed is not tried again: a hanging one would keep the operation from ending.
        if step.undo is None or journal.state(step) in {StepState.UNDONE, StepState.UNDO_FAILED, StepState.SKIPPED}:
            return
        log.info("undo_started", step=step.name)
        try:
            self._call(step, step.undo, may_stop=False)
        except calls.Abandoned as error:
            journal.finish(step, state=StepState.UNDO_FAILED, error=error.message)
            journal.write()
            raise
        except StaleEpoch as error:
            self.lease.renew()
            journal.finish(step, state=StepState.UNDO_FAILED, error=error.message)
        except DriverError as error:
            log.warning("undo_failed", step=step.name, error=error.message)
            journal.finish(step, state=StepState.UNDO_FAILED, error=error.message)
        else:
            journal.finish(step, state=StepState.UNDONE)
        journal.write()

    def _undo_failed(self, handler: Handler, steps: Sequence[Step]) -> bool:
        return any(handler.context.journal.state(step) == StepState.UNDO_FAILED for step in steps)

    def _look_back(self, handler: Handler) -> base.GroupFacts | None:
        """Look at the storage after a failure, to say what is true now; None when it cannot tell."""
        if not handler.looks_back:
            return None
        try:
            return calls.make(
                lambda call: handler.driver.observe(handler.group, call=call),
                name="look back",
                epoch=self.operation.epoch,
                deadline_seconds=_LOOK_BACK_SECONDS,
                lease=self.lease,
                may_stop=False,
            )
        except DriverError as error:
            log.warning("look_back_failed", error=error.message)
            return None

    def _end_canceled(self, handler: Handler) -> None:
        transitions.end(
            self.operation,
            how=transitions.End(
                state=OperationState.CANCELED,
                code=CallCanceled.code,
                error=self.operation.error,
                truth=handler.canceled_truth(),
                remedy=self.operation.remedy,
            ),
        )
        log.info("operation_canceled")

    def _end_failed(self, error: DriverError | None, *, facts: base.GroupFacts | None, problem: str = "") -> None:
        handler = self.handler
        code = error.code if error else self.operation.error_code
        message = error.message if error else self.operation.error
        transitions.end(
            self.operation,
            how=transitions.End(
                state=OperationState.FAILED,
                code=code,
                error=f"{message} {problem}".strip(),
                truth=truth.describe(handler.group, facts) if handler and facts else "",
                remedy=error.remedy if error else self.operation.remedy,
                incident=error.incident if isinstance(error, calls.DriverBug) else "",
                result=handler.failure_result(facts) if handler else {},
                subject_fields=handler.failure_fields(facts) if handler else {},
            ),
        )
        log.warning("operation_failed", code=code, error=message)

    def _end_as_bug(self, error: Exception) -> None:
        incident = secrets.token_hex(4)
        log.error("bug", incident=incident, exc_info=error)
        try:
            transitions.end(
                self.operation,
                how=transitions.End(
                    state=OperationState.FAILED,
                    code="bug",
                    error=_BUG.format(incident=incident),
                    remedy=_BUG_REMEDY,
                    incident=incident,
                ),
            )
        except (errors.LeaseLost, DatabaseError) as ending_error:
            connection.close()
            log.warning("end_not_written", error=str(ending_error))


def _committed(handler: Handler) -> bool:
    """Tell whether a committing step is done: from there the operation only rolls forward."""
    return any(step.commits and handler.context.journal.state(step) == StepState.DONE for step in handler.steps())


def _commit_begun(handler: Handler) -> bool:
    """Tell whether a committing step may have had an effect."""
    return any(step.commits and handler.context.journal.was_begun(step) for step in handler.steps())
