"""What people are told elsewhere: one message for each run, rollout and drift, changed as it goes on.

Law: level-triggered. What there is to tell follows from the history as it is now, and what was told from
its table of that; nothing waits in memory, and nothing that is told is decided by. A place that does not
answer holds up nothing but itself.
"""
