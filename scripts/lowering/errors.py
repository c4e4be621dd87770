"""Why a graph was not made."""

from trust_nsfw.errors import CheckpointError, StartupError


class GateError(StartupError):
    """A lossy graph that decides otherwise than the reference, or too few pictures to tell."""


class UntraceableError(CheckpointError):
    """A checkpoint that OpenVINO can't turn into a graph; torch still serves it."""
