"""Versions from one environment to the next, and back.

Law: its state is the GitOps repository alone; it knows nothing of previews, set-up and adoption.
"""
