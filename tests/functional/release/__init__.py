"""Tests of ``lockstep release`` and of reports to the source."""
