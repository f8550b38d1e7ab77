"""Tests of ``lockstep.delivery.places``."""
