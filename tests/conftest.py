"""What holds for all tests: none is timed, so that a busy machine fails none of them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("octavo", deadline=None)
settings.load_profile("octavo")
