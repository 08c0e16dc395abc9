"""The keys of key value stores: the service cloudfront-keyvaluestore, beside CloudFront's own API."""
