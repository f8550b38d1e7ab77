"""``lockstep serve``: the verbs, awake. It follows repositories and keeps what may be kept in lockstep.

Law: decides when, never how: what is done is done by the verbs of ``delivery``. Nothing is kept that Git
and AWS do not say: whoever starts it again finds everything there. Only its command imports it.
"""
