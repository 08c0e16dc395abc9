//! The stages of a request, one file each; `pipeline` lists them in order.

pub(crate) mod cache_lookup;
pub(crate) mod challenge;
pub(crate) mod error_page;
pub(crate) mod grpc;
pub(crate) mod origin_fetch;
pub(crate) mod part_fetch;
pub(crate) mod post;
pub(crate) mod receive;
pub(crate) mod route;
pub(crate) mod viewer_request;
pub(crate) mod viewer_response;
pub(crate) mod websocket;

use crate::refusal::Refusal;

/// An answer that needs neither cache nor origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Early {
    /// An error page.
    Refuse(Refusal),
    /// To https.
    Redirect(http::StatusCode),
    /// What a certificate authority asks for.
    Challenge(bytes::Bytes),
}

impl From<Refusal> for Early {
    fn from(refusal: Refusal) -> Early {
        Early::Refuse(refusal)
    }
}
