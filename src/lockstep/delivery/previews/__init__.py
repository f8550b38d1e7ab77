"""Every pull request's own functions: brought, listed, compacted and removed.

Law: each verb can be repeated and killed anywhere; it knows nothing of promotion, set-up and adoption.
"""
