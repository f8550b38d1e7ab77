"""Tests of ``lockstep.delivery.setup``."""
