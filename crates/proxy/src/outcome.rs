//! How a request ended, in the words of CloudFront's access log.

use edgeward_net::origin::OriginError;
use http::HeaderValue;

use crate::refusal::Refusal;

/// `x-edge-result-type` and `X-Cache` (guide, AccessLogs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultType {
    /// Answered from the cache.
    Hit,
    /// Answered from the cache after the origin said that it still holds.
    RefreshHit,
    /// Answered by the origin.
    Miss,
    /// A client error, or the origin's.
    Error,
    /// http was redirected to https.
    Redirect,
    /// Made by the edge, without cache or origin. CloudFront has the word for its functions alone.
    Generated,
}

impl ResultType {
    /// As in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ResultType::Hit => "Hit",
            ResultType::RefreshHit => "RefreshHit",
            ResultType::Miss => "Miss",
            ResultType::Error => "Error",
            ResultType::Redirect => "Redirect",
            ResultType::Generated => "FunctionGeneratedResponse",
        }
    }

    /// `X-Cache`.
    pub(crate) fn to_header_value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            ResultType::Hit => "Hit from cloudfront",
            ResultType::RefreshHit => "RefreshHit from cloudfront",
            ResultType::Miss => "Miss from cloudfront",
            ResultType::Error => "Error from cloudfront",
            ResultType::Redirect => "Redirect from cloudfront",
            ResultType::Generated => "FunctionGeneratedResponse from cloudfront",
        })
    }
}

/// What lies behind a result, for `x-edge-detailed-result-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing more to say than the result type.
    Plain,
    /// A certificate authority asked whose a name is. CloudFront has no word for it.
    AcmeChallenge,
    /// This edge refused.
    Refused(Refusal),
    /// The origin broke off in the middle of the content.
    AbortedOrigin,
    /// The viewer went away in the middle of the content.
    ClientCommError,
    /// The viewer went away before the response began.
    ClientHungUpRequest,
}

impl Detail {
    pub(crate) fn as_str(self, result: ResultType) -> &'static str {
        match self {
            Detail::Plain => result.as_str(),
            Detail::AcmeChallenge => "AcmeChallenge",
            Detail::Refused(refusal) => refusal.detailed_result(),
            Detail::AbortedOrigin => "AbortedOrigin",
            Detail::ClientCommError => "ClientCommError",
            Detail::ClientHungUpRequest => "ClientHungUpRequest",
        }
    }
}

impl From<&OriginError> for Refusal {
    fn from(error: &OriginError) -> Refusal {
        match error {
            OriginError::Dns(_) => Refusal::OriginDns,
            OriginError::OutOfReach => Refusal::OriginOutOfReach,
            OriginError::Connect { .. } => Refusal::OriginConnect,
            OriginError::ConnectTimeout => Refusal::OriginConnectTimeout,
            OriginError::Tls { .. } => Refusal::OriginTls,
            OriginError::Write(_) => Refusal::OriginWrite,
            OriginError::ResponseTimeout => Refusal::OriginTimeout,
            OriginError::CompletionTimeout => Refusal::OriginCompletionTimeout,
            OriginError::Busy => Refusal::OriginBusy,
            OriginError::GivenUp => Refusal::OriginGivenUp,
            OriginError::InvalidResponse(_) => Refusal::OriginInvalidResponse,
            OriginError::HeaderTooBig => Refusal::OriginHeaderTooBig,
            OriginError::ZeroSize { .. } => Refusal::OriginZeroSize,
            OriginError::RequestContent(_) => Refusal::ViewerContentBroken,
            OriginError::InvalidRequest(_) => Refusal::InvalidHost,
            // Read, Truncated, and whatever kinds the origin side learns to tell apart later.
            _ => Refusal::OriginRead,
        }
    }
}
