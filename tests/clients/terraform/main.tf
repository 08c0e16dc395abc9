# One of everything that the AWS provider has for CloudFront and Edgeward serves. `round` changes what can be changed.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

variable "endpoint" { type = string }
variable "round" { type = string }
variable "public_key" { type = string }

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints { cloudfront = var.endpoint }
}

resource "aws_cloudfront_public_key" "k" {
  name        = "key"
  comment     = var.round
  encoded_key = var.public_key
}

resource "aws_cloudfront_key_group" "g" {
  name    = "group"
  comment = var.round
  items   = [aws_cloudfront_public_key.k.id]
}

resource "aws_cloudfront_key_value_store" "s" {
  name    = "store"
  comment = var.round
}

resource "aws_cloudfront_function" "f" {
  name                         = "fn"
  runtime                      = "cloudfront-js-2.0"
  comment                      = var.round
  publish                      = true
  code                         = "function handler(event) { return event.request /* ${var.round} */ }"
  key_value_store_associations = [aws_cloudfront_key_value_store.s.arn]
}

resource "aws_cloudfront_realtime_log_config" "l" {
  name          = "log"
  sampling_rate = var.round == "one" ? 10 : 20
  fields        = ["timestamp", "c-ip"]
  endpoint {
    stream_type = "Kinesis"
    kinesis_stream_config {
      role_arn   = "arn:aws:iam::123456789012:role/logs"
      stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/logs"
    }
  }
}

resource "aws_cloudfront_origin_access_identity" "i" { comment = var.round }

resource "aws_cloudfront_origin_access_control" "c" {
  name                              = "oac"
  description                       = var.round
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_field_level_encryption_profile" "p" {
  name    = "profile"
  comment = var.round
  encryption_entities {
    items {
      public_key_id = aws_cloudfront_public_key.k.id
      provider_id   = "shop"
      field_patterns { items = ["card"] }
    }
  }
}

resource "aws_cloudfront_field_level_encryption_config" "e" {
  comment = var.round
  content_type_profile_config {
    forward_when_content_type_is_unknown = true
    content_type_profiles {
      items {
        content_type = "application/x-www-form-urlencoded"
        format       = "URLEncoded"
        profile_id   = aws_cloudfront_field_level_encryption_profile.p.id
      }
    }
  }
  query_arg_profile_config {
    forward_when_query_arg_profile_is_unknown = true
    query_arg_profiles {
      items {
        profile_id = aws_cloudfront_field_level_encryption_profile.p.id
        query_arg  = "a"
      }
    }
  }
}

resource "aws_cloudfront_vpc_origin" "v" {
  vpc_origin_endpoint_config {
    name                   = "vpc"
    arn                    = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
    http_port              = 80
    https_port             = var.round == "one" ? 443 : 8443
    origin_protocol_policy = "https-only"
    origin_ssl_protocols {
      items    = ["TLSv1.2"]
      quantity = 1
    }
  }
  tags = { team = "edge" }
}

resource "aws_cloudfront_cache_policy" "cp" {
  name        = "cp"
  comment     = var.round
  min_ttl     = 1
  default_ttl = 10
  max_ttl     = 20
  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config { cookie_behavior = "none" }
    headers_config { header_behavior = "none" }
    query_strings_config { query_string_behavior = "none" }
    enable_accept_encoding_gzip = true
  }
}

resource "aws_cloudfront_origin_request_policy" "orp" {
  name    = "orp"
  comment = var.round
  cookies_config { cookie_behavior = "none" }
  headers_config { header_behavior = "none" }
  query_strings_config { query_string_behavior = "all" }
}

resource "aws_cloudfront_response_headers_policy" "rhp" {
  name    = "rhp"
  comment = var.round
  custom_headers_config {
    items {
      header   = "X-A"
      value    = "1"
      override = true
    }
  }
}

resource "aws_cloudfront_distribution" "d" {
  enabled             = true
  comment             = var.round
  wait_for_deployment = false
  origin {
    origin_id   = "site"
    domain_name = "origin.example.com"
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "http-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }
  origin {
    origin_id                = "bucket"
    domain_name              = "bucket.s3.us-east-1.amazonaws.com"
    origin_access_control_id = aws_cloudfront_origin_access_control.c.id
  }
  default_cache_behavior {
    target_origin_id           = "site"
    viewer_protocol_policy     = "allow-all"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = aws_cloudfront_cache_policy.cp.id
    origin_request_policy_id   = aws_cloudfront_origin_request_policy.orp.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.rhp.id
  }
  ordered_cache_behavior {
    path_pattern           = "/assets/*"
    target_origin_id       = "bucket"
    viewer_protocol_policy = "allow-all"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }
  restrictions {
    geo_restriction { restriction_type = "none" }
  }
  viewer_certificate { cloudfront_default_certificate = true }
  tags = { team = "edge" }
}

resource "aws_cloudfront_monitoring_subscription" "m" {
  distribution_id = aws_cloudfront_distribution.d.id
  monitoring_subscription {
    realtime_metrics_subscription_config { realtime_metrics_subscription_status = "Enabled" }
  }
}

resource "aws_cloudfront_distribution" "staging" {
  enabled             = true
  staging             = true
  wait_for_deployment = false
  comment             = "staging"
  origin {
    origin_id   = "site"
    domain_name = "origin.example.com"
    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "http-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }
  default_cache_behavior {
    target_origin_id       = "site"
    viewer_protocol_policy = "allow-all"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }
  restrictions {
    geo_restriction { restriction_type = "none" }
  }
  viewer_certificate { cloudfront_default_certificate = true }
}

resource "aws_cloudfront_continuous_deployment_policy" "cd" {
  enabled = false
  staging_distribution_dns_names {
    items    = [aws_cloudfront_distribution.staging.domain_name]
    quantity = 1
  }
  traffic_config {
    type = "SingleWeight"
    single_weight_config { weight = "0.01" }
  }
}
