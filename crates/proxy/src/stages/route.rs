//! Stage 2: host to distribution, which has to be the one the connection is for; path to cache behavior.

use std::sync::Arc;

use edgeward_plan::Plan;
use http::Version;

use super::Early;
use crate::exchange::{Exchange, Route};
use crate::refusal::Refusal;
use crate::security_policy;

/// Where the request belongs in `plan`.
pub(crate) fn find(exchange: &Exchange, plan: &Plan, host: &str) -> Result<Route, Early> {
    let distribution = plan.distribution_for(host).ok_or(Refusal::UnknownHost)?;
    if let Some(session) = &exchange.connection.tls {
        security_policy::check(session, plan, distribution, host)?;
    }
    if exchange.request.version == Version::HTTP_3 && !distribution.http3 {
        return Err(Refusal::Misdirected.into());
    }
    // The default root object stands for `/` alone, whatever the method (guide, DefaultRootObject).
    let is_root = exchange.request.uri.path() == "/" && !distribution.default_root_object.is_empty();
    let rewritten_path = is_root.then(|| format!("/{}", distribution.default_root_object));
    let path = rewritten_path.as_deref().unwrap_or(exchange.request.uri.path());
    let behavior = Arc::clone(distribution.behavior(path).ok_or(Refusal::UnknownHost)?);
    Ok(Route { distribution: Arc::clone(distribution), behavior, rewritten_path })
}
