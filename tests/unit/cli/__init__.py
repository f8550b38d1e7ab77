"""Tests of ``lockstep.cli``."""
