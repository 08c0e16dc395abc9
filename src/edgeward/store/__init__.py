"""Where the control plane keeps its state: resources and their history, tags, the outbox.

SQLite in one file by default; the statements are portable, so that another database can be given by its URL.
"""
