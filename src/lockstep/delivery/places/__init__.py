"""Where things are: the project, its repositories, its forge and its sources.

Law: opens and reads; the only room that every other may use.
"""
