"""What an attacker and a bad day do, kind by kind, as tables: rows are added, never special cases."""
