"""A project at work, spoiled in one way at a time: the desk that commands run on, and tables of spoilings."""
