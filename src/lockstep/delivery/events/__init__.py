"""What a forge's event asks for: read from its payload, then done by the other rooms.

Law: a payload says what to look at, never what is so; nobody but the command line comes here.
"""
