"""What an attacker and a bad day do, kind by kind, as tables: rows are added, never special cases.

- ``test_aws_answers``: every operation that Lockstep calls x answers that are not AWS's.
- ``test_bucket_answers``: a bucket's notifications x what is wrong or lost at each of their readings.
- ``test_forge_answers``: readings of GitHub x answers that are not GitHub's.
"""
