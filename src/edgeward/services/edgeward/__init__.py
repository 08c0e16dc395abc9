"""Edgeward's own API, beside CloudFront's: what CloudFront has no operation for."""
