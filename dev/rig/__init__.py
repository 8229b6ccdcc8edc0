"""A running product with people in it: what end-to-end tests and benchmarks share."""

from dev.rig.rig import NO_LIMITS, Rig, running_rig

__all__ = ["NO_LIMITS", "Rig", "running_rig"]
