"""A project's first files, its policies, and what is wrong with the ground it stands on.

Law: reads and proposes; nothing in AWS is changed from here.
"""
