//! Origin failover: where a behavior targets an origin group and the primary origin fails, the secondary one is asked.
//!
//! Invariant: it happens before anything of the response has reached a viewer or the cache, and what the secondary
//! origin says counts, whatever it is. The primary origin is asked first every time. Called by `stages::origin_fetch` and
//! `stages::part_fetch` (guide, high_availability_origin_failover).

use edgeward_net::RequestContent;
use edgeward_net::origin::OriginBody;
use edgeward_plan::{CacheBehavior, OriginGroup, Target};
use http::{Method, Response, StatusCode};
use http_body::Body;

use crate::exchange::Exchange;
use crate::origin_exchange;
use crate::origin_request::Purpose;
use crate::refusal::Refusal;

/// Sends the request to the behavior's origin, or to the first of its group's that does not fail, and waits for the head
/// of the response.
pub(crate) async fn send(
    exchange: &Exchange,
    purpose: Purpose<'_>,
    content: Option<RequestContent>,
) -> Result<Response<OriginBody>, Refusal> {
    let behavior = &exchange.route.as_ref().ok_or(Refusal::UnknownHost)?.behavior;
    let is_repeatable = content.as_ref().is_none_or(Body::is_end_stream);
    let group = match &behavior.target {
        Target::Group(group) if is_repeatable && fails_over(exchange.method(), behavior) => group,
        target => return origin_exchange::send(exchange, target.primary(), purpose, content).await,
    };
    let sent = origin_exchange::send(exchange, &group.primary, purpose, None).await;
    let Some(criterion) = criterion(group, &sent) else { return sent };
    exchange.explain(|facts| facts.failed_over(criterion));
    if let Ok(response) = sent {
        tokio::spawn(response.into_body().discard());
    }
    origin_exchange::send(exchange, &group.secondary, purpose, None).await
}

/// OPTIONS only where its responses are cached.
fn fails_over(method: &Method, behavior: &CacheBehavior) -> bool {
    match *method {
        Method::GET | Method::HEAD => true,
        Method::OPTIONS => behavior.cached_methods.contains(method),
        _ => false,
    }
}

/// The status of the group's failover criteria for which the primary origin is left, if it is: its answer's, or one that
/// stands for the failure to answer.
fn criterion(group: &OriginGroup, sent: &Result<Response<OriginBody>, Refusal>) -> Option<StatusCode> {
    match sent {
        Ok(response) => Some(response.status()).filter(|status| group.lists(*status)),
        Err(refusal) => criteria(*refusal).iter().copied().find(|status| group.lists(*status)),
    }
}

/// The statuses of which a group lists one where it fails over on `refusal`. Of connections and timeouts the guide says
/// so; for answers that are none it is the status that viewers would see.
fn criteria(refusal: Refusal) -> &'static [StatusCode] {
    match refusal {
        Refusal::OriginDns
        | Refusal::OriginOutOfReach
        | Refusal::OriginConnect
        | Refusal::OriginTls
        | Refusal::OriginBusy
        | Refusal::OriginGivenUp => &[StatusCode::SERVICE_UNAVAILABLE],
        Refusal::OriginConnectTimeout => &[StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT],
        Refusal::OriginTimeout | Refusal::OriginCompletionTimeout => &[StatusCode::GATEWAY_TIMEOUT],
        _ if refusal.is_failed_origin() => &[StatusCode::BAD_GATEWAY],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::criteria;
    use crate::refusal::Refusal;

    #[test]
    fn a_failure_without_an_answer_counts_where_its_status_is_listed() {
        for (refusal, listed) in [
            (Refusal::OriginDns, &[503][..]),
            (Refusal::OriginOutOfReach, &[503]),
            (Refusal::OriginConnect, &[503]),
            (Refusal::OriginTls, &[503]),
            (Refusal::OriginConnectTimeout, &[503, 504]),
            (Refusal::OriginTimeout, &[504]),
            (Refusal::OriginCompletionTimeout, &[504]),
            (Refusal::OriginBusy, &[503]),
            (Refusal::OriginGivenUp, &[503]),
            (Refusal::OriginWrite, &[502]),
            (Refusal::OriginRead, &[502]),
            (Refusal::OriginInvalidResponse, &[502]),
            (Refusal::OriginHeaderTooBig, &[502]),
            (Refusal::OriginZeroSize, &[502]),
            (Refusal::NoSigningIdentity, &[]),
            (Refusal::ViewerContentBroken, &[]),
        ] {
            let found: Vec<u16> = criteria(refusal).iter().map(|status| status.as_u16()).collect();
            assert_eq!(found, listed, "{refusal:?}");
        }
    }
}
