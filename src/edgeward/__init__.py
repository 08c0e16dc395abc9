"""Edgeward: a content delivery network that CloudFront's own tools drive unchanged.

`edgeward.control_plane` is the API, `edgeward.edge` serves viewers, `edgeward.dev` runs both on one machine.
"""

__version__ = "0.1.0"
