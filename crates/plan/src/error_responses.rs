//! CustomErrorResponses: how long errors are kept at least, and which pages stand in their place.
//!
//! Invariant: a page's path begins with `/`, is a valid target and has no query string. Called by `check`; the proxy's
//! stages ask by status.

use http::StatusCode;
use http::uri::PathAndQuery;

use crate::document::{ErrorPageDocument, ErrorResponseDocument};

/// ErrorCachingMinTTL where a distribution sets none, in seconds (guide, HTTPStatusCodes).
const CACHING_MIN_TTL: u64 = 10;

/// What a distribution does about error statuses.
#[derive(Debug, Default)]
pub struct ErrorResponses(Vec<ErrorResponse>);

#[derive(Debug)]
struct ErrorResponse {
    status: StatusCode,
    caching_min_ttl: u64,
    page: Option<ErrorPage>,
}

/// What viewers get in place of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPage {
    /// Where the page is, in the same distribution.
    pub path: String,
    /// The status that viewers see with it.
    pub status: StatusCode,
}

impl ErrorResponses {
    /// ErrorCachingMinTTL of a status, in seconds.
    pub fn caching_min_ttl(&self, status: StatusCode) -> u64 {
        self.of(status).map_or(CACHING_MIN_TTL, |response| response.caching_min_ttl)
    }

    /// The page for a status, where there is one.
    pub fn page(&self, status: StatusCode) -> Option<&ErrorPage> {
        self.of(status)?.page.as_ref()
    }

    fn of(&self, status: StatusCode) -> Option<&ErrorResponse> {
        self.0.iter().find(|response| response.status == status)
    }

    pub(crate) fn check(documents: Vec<ErrorResponseDocument>) -> Result<ErrorResponses, String> {
        documents.into_iter().map(error_response).collect::<Result<Vec<_>, _>>().map(ErrorResponses)
    }
}

fn error_response(document: ErrorResponseDocument) -> Result<ErrorResponse, String> {
    let status = status(document.status).filter(|status| status.as_u16() >= 400);
    Ok(ErrorResponse {
        status: status.ok_or_else(|| format!("error response: {} is no error status", document.status))?,
        caching_min_ttl: document.min_ttl,
        page: document.page.map(page).transpose()?,
    })
}

fn page(document: ErrorPageDocument) -> Result<ErrorPage, String> {
    let ErrorPageDocument { path, status: code } = document;
    let target: Result<PathAndQuery, _> = path.parse();
    if !path.starts_with('/') || !target.is_ok_and(|target| target.as_str() == path && target.query().is_none()) {
        return Err(format!("error page: {path:?} is no path"));
    }
    let status = status(code).ok_or_else(|| format!("error page {path}: {code} is no status"))?;
    Ok(ErrorPage { path, status })
}

/// Of a final response.
fn status(code: u16) -> Option<StatusCode> {
    StatusCode::from_u16(code).ok().filter(|status| status.as_u16() >= 200)
}

#[cfg(test)]
mod tests {
    use super::{ErrorPage, ErrorResponses};
    use http::StatusCode;

    fn check(text: &str) -> Result<ErrorResponses, String> {
        ErrorResponses::check(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_status_without_an_entry_has_the_default_time_and_no_page() {
        let responses = check(
            r#"[{"status": 404, "min_ttl": 0, "page": {"path": "/a/404.html", "status": 200}},
                {"status": 500, "min_ttl": 300, "page": null}]"#,
        )
        .unwrap();
        let page = ErrorPage { path: "/a/404.html".to_owned(), status: StatusCode::OK };
        for (status, seconds, expected) in [
            (StatusCode::NOT_FOUND, 0, Some(&page)),
            (StatusCode::INTERNAL_SERVER_ERROR, 300, None),
            (StatusCode::BAD_GATEWAY, 10, None),
        ] {
            assert_eq!((responses.caching_min_ttl(status), responses.page(status)), (seconds, expected), "{status}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_or_answered_is_rejected() {
        for (text, words) in [
            (r#"[{"status": 200, "min_ttl": 0, "page": null}]"#, "200 is no error status"),
            (r#"[{"status": 404, "min_ttl": 0, "page": {"path": "404.html", "status": 200}}]"#, "is no path"),
            (r#"[{"status": 404, "min_ttl": 0, "page": {"path": "/a?b", "status": 200}}]"#, "is no path"),
            (r#"[{"status": 404, "min_ttl": 0, "page": {"path": "/a b", "status": 200}}]"#, "is no path"),
            (r#"[{"status": 404, "min_ttl": 0, "page": {"path": "/a#b", "status": 200}}]"#, "is no path"),
            (r#"[{"status": 404, "min_ttl": 0, "page": {"path": "/a", "status": 100}}]"#, "100 is no status"),
        ] {
            let reason = check(text).map(drop).unwrap_err();
            assert!(reason.contains(words), "{text}: {reason}");
        }
    }
}
