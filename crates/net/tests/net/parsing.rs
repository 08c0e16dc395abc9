//! What becomes of requests on the edge of the HTTP/1.1 grammar, over real connections: refused by the parser with 400,
//! or handed to the pipeline in a form without ambiguity.

use std::io::Write;

use http_body_util::BodyExt;

use crate::support::{connect, exchange, read_response, serve, settings, text};

/// Starts a server whose responses describe the request as the pipeline saw it.
fn describing() -> (edgeward_net::Server, crate::support::Authority) {
    serve(settings(), |connection, request| {
        Box::pin(async move {
            let ambiguous = connection.ambiguous_framing();
            let (head, content) = request.into_parts();
            let field = |name: &str| {
                let lines = head.headers.get_all(name).iter();
                lines.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect::<Vec<_>>().join("|")
            };
            let framing = format!("cl[{}] te[{}]", field("content-length"), field("transfer-encoding"));
            let content = match content.collect().await {
                Ok(content) => String::from_utf8_lossy(&content.to_bytes()).into_owned(),
                Err(_) => "!".to_owned(),
            };
            text(format!("{} {framing} x[{}] content[{content}] ambiguous[{ambiguous}]", head.uri, field("x")))
        })
    })
}

#[test]
fn requests_on_the_edge_of_the_grammar() {
    let (server, _) = describing();
    let refused = "400";
    let mut surprises = Vec::new();
    for (case, request, expected) in [
        ("plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "/ cl[] te[] x[] content[] ambiguous[false]"),
        (
            "empty lines first",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "/ cl[] te[] x[] content[] ambiguous[false]",
        ),
        ("lone LF line ends", "GET / HTTP/1.1\nHost: a\nX: 1\n\n", "/ cl[] te[] x[1] content[] ambiguous[false]"),
        ("lone CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", refused),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", refused),
        ("control in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01b\r\n\r\n", refused),
        ("tab in a value", "GET / HTTP/1.1\r\nX: a\tb\r\n\r\n", "/ cl[] te[] x[a\tb] content[] ambiguous[false]"),
        ("folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", refused),
        ("space before colon", "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", refused),
        ("space before first field", "GET / HTTP/1.1\r\n X: a\r\n\r\n", refused),
        ("line without colon", "GET / HTTP/1.1\r\nX\r\n\r\n", refused),
        ("two spaces in request line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", refused),
        ("HTTP/0.9", "GET /\r\n\r\n", refused),
        ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", refused),
        ("HTTP/2 preface in clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "closed"),
        ("CL", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nok", "/ cl[2] te[] x[] content[ok] ambiguous[false]"),
        (
            "same CL twice",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
            "/ cl[2] te[] x[] content[ok] ambiguous[false]",
        ),
        ("two CLs", "POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", refused),
        ("CL list", "POST / HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nok", refused),
        ("CL +2", "POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\nok", refused),
        ("CL -1", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nok", refused),
        ("CL 0x2", "POST / HTTP/1.1\r\nContent-Length: 0x2\r\n\r\nok", refused),
        ("CL empty", "POST / HTTP/1.1\r\nContent-Length: \r\n\r\nok", refused),
        ("CL too large", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", refused),
        (
            "CL leading zeros",
            "POST / HTTP/1.1\r\nContent-Length: 002\r\n\r\nok",
            "/ cl[002] te[] x[] content[ok] ambiguous[false]",
        ),
        (
            "CL cut short",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nok",
            "/ cl[5] te[] x[] content[!] ambiguous[false]",
        ),
        (
            "chunked",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[ok] ambiguous[false]",
        ),
        (
            "Chunked in capitals",
            "POST / HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "/ cl[] te[CHUNKED] x[] content[ok] ambiguous[false]",
        ),
        (
            "CL then TE",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[] ambiguous[true]",
        ),
        (
            "TE then CL",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[] ambiguous[true]",
        ),
        (
            "TE then CL that is no number",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[] ambiguous[true]",
        ),
        (
            "chunked, chunked",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "/ cl[] te[chunked, chunked] x[] content[] ambiguous[false]",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "/ cl[] te[chunked|chunked] x[] content[] ambiguous[false]",
        ),
        (
            "gzip, chunked",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "/ cl[] te[gzip, chunked] x[] content[] ambiguous[false]",
        ),
        (
            "identity, chunked",
            "POST / HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
            "/ cl[] te[identity, chunked] x[] content[] ambiguous[false]",
        ),
        ("chunked, gzip", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", refused),
        ("identity", "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", refused),
        ("xchunked", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", refused),
        ("TE empty", "POST / HTTP/1.1\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n", refused),
        ("TE with vertical tab", "POST / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", refused),
        ("space before colon of TE", "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", refused),
        ("HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "/ cl[] te[] x[] content[] ambiguous[false]"),
        ("HTTP/1.0 with TE", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refused),
        (
            "chunk extension",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[ok] ambiguous[false]",
        ),
        (
            "chunk extension with lone LF",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "chunk size with lone LF",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "chunk size 0x2",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "chunk size too large",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "chunk without its CR LF",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "no last chunk",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            "/ cl[] te[chunked] x[] content[!] ambiguous[false]",
        ),
        (
            "absolute form",
            "GET http://b/p HTTP/1.1\r\nHost: a\r\n\r\n",
            "http://b/p cl[] te[] x[] content[] ambiguous[false]",
        ),
    ] {
        let response = exchange(server.http_addresses()[0], request.as_bytes());
        let status = response.split(' ').nth(1).unwrap_or("closed");
        let seen = if status == "200" { response.split("\r\n\r\n").nth(1).unwrap_or_default() } else { status };
        if seen != expected {
            surprises.push(format!("{case}: {seen}"));
        }
    }
    assert!(surprises.is_empty(), "{surprises:#?}");
}

#[test]
fn a_head_beyond_the_limit_is_answered_with_431() {
    let (server, _) = describing();
    for (case, fields) in
        [("one long field", format!("X: {}\r\n", "a".repeat(70_000))), ("many fields", "X: a\r\n".repeat(101))]
    {
        let response = exchange(server.http_addresses()[0], format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes());
        assert!(response.starts_with("HTTP/1.1 431 "), "{case}: {response}");
    }
}

#[test]
fn content_length_of_an_earlier_request_does_not_taint_a_chunked_one() {
    let (server, _) = describing();
    let mut stream = connect(server.http_addresses()[0]);
    for _ in 0..3 {
        for (request, expected) in [
            ("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nok", "cl[2] te[] x[] content[ok] ambiguous[false]"),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                "cl[] te[chunked] x[] content[ok] ambiguous[false]",
            ),
        ] {
            stream.write_all(request.as_bytes()).unwrap();
            let response = read_response(&mut stream);
            assert!(response.ends_with(expected), "{response}");
        }
    }
}

#[test]
fn both_framings_are_seen_in_a_pipelined_request() {
    let (server, _) = describing();
    let request = "POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\
                   POST /2 HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let responses = exchange(server.http_addresses()[0], request.as_bytes());
    assert!(responses.ends_with("/2 cl[] te[chunked] x[] content[] ambiguous[true]"), "{responses}");
}
