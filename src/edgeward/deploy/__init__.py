"""From committed changes to edges that have them: plans, invalidation orders, acknowledgements.

`planner` decides what to send, `delivery` sends it to one edge, `publisher` joins them and keeps the books.
"""
