"""Asking a running ``lockstep serve``, by its JSON API, for what the verbs do elsewhere.

Law: speaks HTTP with one server and reads what it answers; knows nothing of its code, of Git and of AWS.
"""
