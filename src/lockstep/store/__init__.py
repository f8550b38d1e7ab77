"""History and audit of a controller, and who is logged in, in a database beside it.

Law: what happened is written here and nothing is decided by it; whoever loses it has lost history, has
logged everybody out, and nothing else. Only what holds no secret comes in: words that were masked before,
digests of sessions' ids, and what is sealed with the id itself, which is not here. The only place that
imports what a database needs.
"""
