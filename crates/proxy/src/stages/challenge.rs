//! Between stages 1 and 2: a certificate authority that asks whose a name is (http-01, RFC 8555 section 8.3).
//!
//! It comes over http in clear, before the name may have a distribution, and whatever that one would do with http. Only a
//! token that the plan has for the very name is answered; every other request goes its way.

use edgeward_plan::Plan;
use http::Method;

use super::Early;
use crate::exchange::Exchange;

const PLACE: &str = "/.well-known/acme-challenge/";

/// Answers, where the plan has an answer.
pub(crate) fn check(exchange: &Exchange, plan: &Plan, host: &str) -> Result<(), Early> {
    let request = &exchange.request;
    if exchange.is_https() || !matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let token = request.uri.path().strip_prefix(PLACE);
    let answer = token.and_then(|token| plan.challenges().answer(host, token));
    answer.map_or(Ok(()), |answer| Err(Early::Challenge(answer.clone())))
}
