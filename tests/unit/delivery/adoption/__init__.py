"""Tests of ``lockstep.delivery.adoption``."""
