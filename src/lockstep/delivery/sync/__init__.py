"""From a workspace to a plan, from a plan to a report, and what is said of both.

Law: the one way through; it knows no verb above it.
"""
