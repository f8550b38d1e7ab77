"""Tests of ``lockstep.render``."""
