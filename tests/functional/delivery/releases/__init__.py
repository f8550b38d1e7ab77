"""Tests of ``lockstep.delivery.releases``."""
