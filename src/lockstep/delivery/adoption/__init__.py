"""What others deployed, taken over and given back.

Law: the declarations are written and proved; what is live is changed by a sync alone.
"""
