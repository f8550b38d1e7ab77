"""History and audit. Empty until the controller needs it.

Law: losing the store loses history only; nothing is rebuilt from it.
"""
