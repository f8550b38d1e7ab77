"""How fast Lockstep is, beside Terraform and SAM on the same local AWS: ``./dev bench``.

Law: every number is of a whole process, started as a user starts it; nothing here is a test.
"""
