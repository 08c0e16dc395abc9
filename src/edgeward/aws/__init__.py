"""AWS's wire: models as data, protocols, signatures, routing, and the generic resource engine.

Knows shapes, not CDNs: nothing here imports a service.
"""
