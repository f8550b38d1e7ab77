"""Where pull requests and releases live. Empty until promotion needs it.

Law: forges know nothing of each other, of engines or of AWS.
"""
