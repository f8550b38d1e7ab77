"""Plans, reports and status as terminal text, Markdown and JSON.

Law: pure; values in, text out; masks every secret; imports model only.
"""
