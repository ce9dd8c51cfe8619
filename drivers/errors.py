"""What a driver may raise.

DriverError                 anything the storage, or the way to it, did not do
├── SiteUnavailable         a site does not answer (retryable)
├── CallTimedOut            no progress within the call's deadline (retryable)
├── CallCanceled            the caller asked the call to stop; it stopped at a safe place
├── StaleEpoch              a newer caller has been here: this one lost its right to act
├── NoRecoveryPoint         the target holds no complete point in time of the group
├── CopyGone                the test copy is no more, or of no more use
├── UndoPointFailed         what a resync would discard cannot be kept, so nothing was discarded
├── Refused                 the storage will not do this as things stand
└── InvalidOptions          configuration that cannot work, each problem named

`retryable` says whether the same call may succeed later without anybody's help. Texts must
never hold the value of a secret option.
"""


class DriverError(Exception):
    """The storage did not do what was asked."""

    code = "driver_error"
    retryable = False
    remedy = "Look at the storage system, mend what it reports, then run the operation again."

    def __init__(self, message: str, *, retryable: bool | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if retryable is not None:
            self.retryable = retryable
        if remedy is not None:
            self.remedy = remedy


class SiteUnavailable(DriverError):
    """A site does not answer."""

    code = "site_unavailable"
    retryable = True
    remedy = "Bring the site back, or fail over to a site that answers."

    def __init__(self, message: str, *, backend_id: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.backend_id = backend_id


class CallTimedOut(DriverError):
    """A call made no progress within its deadline."""

    code = "driver_timeout"
    retryable = True
    remedy = "See whether the storage system hangs; the operation is tried again by itself."


class CallCanceled(DriverError):
    """A call stopped because its caller asked it to."""

    code = "canceled"
    remedy = "Nothing to do: the operation was canceled."


class StaleEpoch(DriverError):
    """A caller with an epoch older than one the storage has seen was refused."""

    code = "stale_epoch"
    remedy = "Nothing to do: another worker has taken this group over."


class NoRecoveryPoint(DriverError):
    """The target holds no complete point in time of the whole group."""

    code = "no_recovery_point"
    remedy = "Choose another target, or bring the primary back and enable replication again."


class CopyGone(DriverError):
    """The test copy is no more, or of no more use."""

    code = "test_copy_gone"
    remedy = "A failover, a resize or the end of replication ends test copies; run the drill again."


class UndoPointFailed(DriverError):
    """What a resync would discard could not be kept, so nothing was discarded."""

    code = "undo_point_failed"
    remedy = "Make room where the side keeps undo points, or drop one that nobody needs, then run the operation again."


class Refused(DriverError):
    """The storage will not do this as things stand."""

    code = "driver_refused"


class InvalidOptions(DriverError):
    """Options of a backend or a target that cannot work."""

    code = "invalid_options"
    remedy = "Correct the options named and try again."

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
