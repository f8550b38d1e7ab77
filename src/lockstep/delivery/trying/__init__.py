"""Seeing a live function work: what it logs, what it answers, how often it runs. Changes nothing.

Law: reads and calls; declares, plans and deploys nothing.
"""
