"""Everything that reads bytes of others, given bytes that nobody thought of.

A parser gives a result or one of our errors, which says what to do; never a bug, never a hang. It is a row
in ``parsers.PARSERS``; answers of AWS, which come through botocore, have a test of their own. In the suite
each has a few examples, the same ones every time; ``./dev fuzz`` looks for others.
"""
