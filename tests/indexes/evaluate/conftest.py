"""The shelf as a fixture."""

from .shelf import kb

__all__ = ["kb"]
