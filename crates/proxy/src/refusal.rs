//! Every way in which the edge itself refuses a request: one table of status, log reason and words.
//!
//! The reason reaches the log as `x-edge-detailed-result-type`; the words stand on CloudFront's error page.

use http::StatusCode;

/// Why a request gets an error page from the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Neither Host nor an authority, several, or one that is no host.
    InvalidHost,
    /// Content-Length and Transfer-Encoding contradict each other or are malformed.
    InvalidFraming,
    /// A value of HTTP/2 with white space around it.
    InvalidField,
    /// An Expect field other than one `100-continue`.
    UnknownExpectation,
    /// A target that is neither a path nor an absolute http(s) URL.
    InvalidTarget,
    /// The URL is longer than 8,192 bytes.
    UrlTooLong,
    /// The header section is larger than 20,480 bytes.
    HeadersTooLarge,
    /// No distribution has this name.
    UnknownHost,
    /// The TLS connection was made for a name of another distribution, or of none.
    Misdirected,
    /// The TLS connection is not one that the distribution's security policy allows.
    TlsBelowPolicy,
    /// The TLS connection was made without the certificate that the distribution asks for, or under other terms.
    NotAuthenticated,
    /// The distribution is disabled.
    Disabled,
    /// The viewer's country is not served.
    GeoBlocked,
    /// Viewers are served by country, and this edge has no data about countries.
    GeoDataMissing,
    /// https only.
    HttpsRequired,
    /// The behavior does not allow the method.
    MethodNotAllowed,
    /// GET or HEAD with content.
    UnexpectedContent,
    /// The request has come through two distributions already.
    ChainTooLong,
    /// The viewer's content broke off or was malformed.
    ViewerContentBroken,
    /// The viewer sent its content too slowly.
    ViewerTooSlow,
    /// A gRPC request for an origin that is asked in clear.
    GrpcInClear,
    /// An origin is to be signed for, and this edge has no identity for it.
    NoSigningIdentity,
    /// The origin's name does not resolve.
    OriginDns,
    /// The origin's name leads to a private address that the operator does not allow.
    OriginOutOfReach,
    /// No connection.
    OriginConnect,
    /// No connection in time.
    OriginConnectTimeout,
    /// The origin's certificate is not to be trusted, or there is no common TLS.
    OriginTls,
    /// The request could not be sent.
    OriginWrite,
    /// The connection broke before the response was complete.
    OriginRead,
    /// No answer in time.
    OriginTimeout,
    /// The response was not complete in time.
    OriginCompletionTimeout,
    /// As many requests as the origin may have are in progress.
    OriginBusy,
    /// Connections have been failing, and it is too early to try another one.
    OriginGivenUp,
    /// Not HTTP.
    OriginInvalidResponse,
    /// The response's header section is larger than this edge takes.
    OriginHeaderTooBig,
    /// Closed without a byte.
    OriginZeroSize,
    /// Content longer than CloudFront takes where its caching is on.
    OriginContentTooLarge,
}

struct Row {
    status: StatusCode,
    detailed_result: &'static str,
    words: &'static str,
}

const BAD_REQUEST: &str = "Bad request.";
const NO_CONNECTION: &str = "We can't connect to the server for this app or website at this time. There might be too much traffic or a \
     configuration error. Try again later, or contact the app or website owner.";
const MISDIRECTED: &str =
    "The connection was made for another name than the request. Make a new connection with the name of the request.";
const COUNTRY: &str = "The Amazon CloudFront distribution is configured to block access from your country.";
const METHOD: &str = "This distribution is not configured to allow the HTTP request method that was used for this request. The \
     distribution supports only cachable requests.";
const CHAIN: &str =
    "The request has come through two distributions already. One may be the origin of another, and no more.";
const TOO_LARGE: &str =
    "The file is larger than this distribution can cache. Turn caching off for it, or ask for it in ranges.";
const GRPC_IN_CLEAR: &str =
    "gRPC goes to origins over HTTPS alone. Set the origin's protocol to HTTPS, or to the viewer's.";
const ORIGIN_CLOSED: &str = "CloudFront wasn't able to connect to the origin, or the origin closed the connection.";

impl Refusal {
    fn row(self) -> Row {
        let row = |status, detailed_result, words| Row { status, detailed_result, words };
        match self {
            Refusal::InvalidHost => row(StatusCode::BAD_REQUEST, "InvalidRequestHeader", BAD_REQUEST),
            Refusal::InvalidFraming => row(StatusCode::BAD_REQUEST, "InvalidRequestHeader", BAD_REQUEST),
            Refusal::InvalidField => row(StatusCode::BAD_REQUEST, "InvalidRequestHeader", BAD_REQUEST),
            Refusal::UnknownExpectation => row(StatusCode::EXPECTATION_FAILED, "InvalidRequestHeader", BAD_REQUEST),
            Refusal::InvalidTarget => row(StatusCode::BAD_REQUEST, "InvalidRequest", BAD_REQUEST),
            Refusal::UrlTooLong => row(StatusCode::PAYLOAD_TOO_LARGE, "InvalidRequest", BAD_REQUEST),
            Refusal::HeadersTooLarge => row(StatusCode::PAYLOAD_TOO_LARGE, "InvalidRequestHeader", BAD_REQUEST),
            Refusal::UnknownHost => row(StatusCode::FORBIDDEN, "InvalidRequestHeader", NO_CONNECTION),
            Refusal::Misdirected => row(StatusCode::MISDIRECTED_REQUEST, "MisdirectedRequest", MISDIRECTED),
            Refusal::TlsBelowPolicy => row(StatusCode::MISDIRECTED_REQUEST, "TlsBelowSecurityPolicy", MISDIRECTED),
            Refusal::NotAuthenticated => row(StatusCode::MISDIRECTED_REQUEST, "ViewerNotAuthenticated", MISDIRECTED),
            Refusal::Disabled => row(StatusCode::FORBIDDEN, "InvalidRequest", NO_CONNECTION),
            Refusal::GeoBlocked => row(StatusCode::FORBIDDEN, "ClientGeoBlocked", COUNTRY),
            Refusal::GeoDataMissing => row(StatusCode::FORBIDDEN, "GeoDataMissing", NO_CONNECTION),
            Refusal::HttpsRequired => row(StatusCode::FORBIDDEN, "InvalidRequest", BAD_REQUEST),
            Refusal::MethodNotAllowed => row(StatusCode::FORBIDDEN, "InvalidRequestMethod", METHOD),
            Refusal::UnexpectedContent => row(StatusCode::FORBIDDEN, "InvalidRequest", BAD_REQUEST),
            Refusal::ChainTooLong => row(StatusCode::FORBIDDEN, "InvalidRequestHeader", CHAIN),
            Refusal::ViewerContentBroken => row(StatusCode::BAD_REQUEST, "ClientCommError", BAD_REQUEST),
            Refusal::ViewerTooSlow => row(StatusCode::REQUEST_TIMEOUT, "ClientCommError", BAD_REQUEST),
            Refusal::GrpcInClear => row(StatusCode::BAD_GATEWAY, "OriginConnectError", GRPC_IN_CLEAR),
            Refusal::NoSigningIdentity => row(StatusCode::BAD_GATEWAY, "OriginError", NO_CONNECTION),
            Refusal::OriginDns => row(StatusCode::BAD_GATEWAY, "OriginDnsError", NO_CONNECTION),
            Refusal::OriginOutOfReach => row(StatusCode::BAD_GATEWAY, "OriginPrivateAddressError", NO_CONNECTION),
            Refusal::OriginConnect => row(StatusCode::BAD_GATEWAY, "OriginConnectError", NO_CONNECTION),
            Refusal::OriginConnectTimeout => row(StatusCode::GATEWAY_TIMEOUT, "OriginConnectError", NO_CONNECTION),
            Refusal::OriginTls => row(StatusCode::BAD_GATEWAY, "OriginConnectError", NO_CONNECTION),
            Refusal::OriginWrite => row(StatusCode::BAD_GATEWAY, "OriginWriteError", ORIGIN_CLOSED),
            Refusal::OriginRead => row(StatusCode::BAD_GATEWAY, "OriginReadError", ORIGIN_CLOSED),
            Refusal::OriginTimeout => row(StatusCode::GATEWAY_TIMEOUT, "OriginCommError", NO_CONNECTION),
            Refusal::OriginCompletionTimeout => row(StatusCode::GATEWAY_TIMEOUT, "OriginCommError", NO_CONNECTION),
            Refusal::OriginBusy => row(StatusCode::SERVICE_UNAVAILABLE, "OriginBusyError", NO_CONNECTION),
            Refusal::OriginGivenUp => row(StatusCode::BAD_GATEWAY, "OriginCircuitOpenError", NO_CONNECTION),
            Refusal::OriginInvalidResponse => row(StatusCode::BAD_GATEWAY, "OriginInvalidResponseError", ORIGIN_CLOSED),
            Refusal::OriginHeaderTooBig => row(StatusCode::BAD_GATEWAY, "OriginHeaderTooBigError", ORIGIN_CLOSED),
            Refusal::OriginZeroSize => row(StatusCode::BAD_GATEWAY, "OriginZeroSizeObjectError", ORIGIN_CLOSED),
            Refusal::OriginContentTooLarge => row(StatusCode::BAD_GATEWAY, "OriginError", TOO_LARGE),
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        self.row().status
    }

    /// `x-edge-detailed-result-type`.
    pub(crate) fn detailed_result(self) -> &'static str {
        self.row().detailed_result
    }

    /// Whether the origin is to blame: it could not be reached or did not answer properly.
    pub(crate) fn is_failed_origin(self) -> bool {
        matches!(
            self,
            Refusal::OriginDns
                | Refusal::OriginOutOfReach
                | Refusal::OriginConnect
                | Refusal::OriginConnectTimeout
                | Refusal::OriginTls
                | Refusal::OriginWrite
                | Refusal::OriginRead
                | Refusal::OriginTimeout
                | Refusal::OriginCompletionTimeout
                | Refusal::OriginBusy
                | Refusal::OriginGivenUp
                | Refusal::OriginInvalidResponse
                | Refusal::OriginHeaderTooBig
                | Refusal::OriginZeroSize
        )
    }

    /// Whether the connection may not be used again: where the request ends is not certain, it was not read, or the viewer
    /// has to show a certificate in a new handshake.
    pub(crate) fn closes_connection(self) -> bool {
        matches!(
            self,
            Refusal::InvalidFraming
                | Refusal::UrlTooLong
                | Refusal::HeadersTooLarge
                | Refusal::NotAuthenticated
                | Refusal::ViewerContentBroken
                | Refusal::ViewerTooSlow
        )
    }

    /// CloudFront's error page.
    pub(crate) fn page(self, request_id: &str) -> String {
        let Row { status, words, .. } = self.row();
        let code = status.as_u16();
        format!(
            "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \
             \"http://www.w3.org/TR/html4/loose.dtd\">\n<HTML><HEAD>\
             <META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=iso-8859-1\">\n\
             <TITLE>ERROR: The request could not be satisfied</TITLE>\n</HEAD><BODY>\n<H1>{code} ERROR</H1>\n\
             <H2>The request could not be satisfied.</H2>\n<HR noshade size=\"1px\">\n{words}\n\
             <BR clear=\"all\">\n<HR noshade size=\"1px\">\n<PRE>\nGenerated by cloudfront (CloudFront)\n\
             Request ID: {request_id}\n</PRE>\n<ADDRESS>\n</ADDRESS>\n</BODY></HTML>"
        )
    }
}
