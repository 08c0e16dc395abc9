"""ACM, which keeps the certificates that distributions show to viewers: beside CloudFront's own API."""
