vcl 4.1;

# Varnish with its built-in rules, but for cookies: by default a request with a cookie is never answered from the cache.
# The log is Varnish's own, the shared-memory log, which no switch turns off.
backend origin {
    .host = "127.0.0.1";
    .port = "@ORIGIN_PORT@";
}

sub vcl_recv {
    unset req.http.cookie;
    if (req.url ~ "^@UNCACHEABLE@") {
        return (pass);
    }
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
