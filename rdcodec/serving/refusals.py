"""Why one end refuses the other: a status of gRPC, and a line that names the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Refused"]


class Refused(RdcodecError):
    """The other end was refused, or refuses.

    Attributes
    ----------
    status : grpc.StatusCode
    reason : str
    """

    def __init__(self, status: grpc.StatusCode, reason: str) -> None:
        super().__init__(f"{status.name}: {reason}")
        self.status, self.reason = status, reason

    @classmethod
    def precondition(cls, reason: str) -> Self:
        """FAILED_PRECONDITION: the two ends do not go together."""
        return cls(grpc.StatusCode.FAILED_PRECONDITION, reason)

    @classmethod
    def invalid(cls, reason: str) -> Self:
        """INVALID_ARGUMENT: what was sent can never be answered."""
        return cls(grpc.StatusCode.INVALID_ARGUMENT, reason)

    @classmethod
    def exhausted(cls, reason: str) -> Self:
        """RESOURCE_EXHAUSTED: there is no room now; another time there may be."""
        return cls(grpc.StatusCode.RESOURCE_EXHAUSTED, reason)
