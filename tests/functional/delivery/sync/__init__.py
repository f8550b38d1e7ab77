"""Tests of ``lockstep.delivery.sync``."""
