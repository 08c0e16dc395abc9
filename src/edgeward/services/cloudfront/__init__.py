"""CloudFront: one module or package per resource family."""
