"""Why one end refuses the other: a status of gRPC, and a line that names the reason."""

import grpc

from rdcodec.errors import RdcodecError

__all__ = ["Refused"]


class Refused(RdcodecError):
    """The other end was refused, or refuses.

    Attributes
    ----------
    status : grpc.StatusCode
    reason : str
    """

    def __init__(self, status, reason):
        super().__init__(f"{status.name}: {reason}")
        self.status, self.reason = status, reason

    @classmethod
    def precondition(cls, reason):
        return cls(grpc.StatusCode.FAILED_PRECONDITION, reason)

    @classmethod
    def invalid(cls, reason):
        return cls(grpc.StatusCode.INVALID_ARGUMENT, reason)

    @classmethod
    def exhausted(cls, reason):
        return cls(grpc.StatusCode.RESOURCE_EXHAUSTED, reason)
