"""What the controller shows: pages, JSON, figures, and the address that pushes are announced at.

Law: reads what followers have seen, and wakes them; decides and writes nothing. The only place that
imports what the extra ``serve`` brings.
"""
