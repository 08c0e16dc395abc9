"""Certificates for public names by an ACME CA (RFC 8555)."""
