"""Tests of ``lockstep.delivery.events``."""
