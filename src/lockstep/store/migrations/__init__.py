"""How the tables became what they are: one file for each revision, never changed once it is released."""
