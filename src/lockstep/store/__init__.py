"""History and audit of a controller, in a database beside it.

Law: what happened is written here and nothing is decided by it; whoever loses it has lost history and
nothing else. Only what holds no secret comes in: words that were masked before. The only place that
imports what a database needs.
"""
