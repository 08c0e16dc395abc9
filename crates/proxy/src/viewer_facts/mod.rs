//! The header fields in which the edge itself tells the origin about the viewer.
//!
//! They are put in place of what the viewer sent under the same names, so that cache key and origin request read them
//! like any other field and no viewer can forge them. Called by `pipeline`, before the cache key is made, for the
//! behaviors whose policies name such a field.

mod certificate;
mod device;
mod place;
mod transport;

use edgeward_plan::ViewerFact;
use http::HeaderValue;

pub use device::UserAgentRegexes;
pub(crate) use device::{DeviceRules, KnownDevices};
pub(crate) use transport::HeaderNames;

use crate::exchange::Exchange;

/// Puts what the behavior asks for into the request.
pub(crate) fn state(exchange: &mut Exchange) {
    let Some(route) = &exchange.route else { return };
    // Before the first field is written: what a behavior for an error page asks for later is about the same request.
    if route.distribution.states_header_names && exchange.header_names.is_none() {
        exchange.header_names = Some(HeaderNames::of(&exchange.connection, &exchange.request));
    }
    for (fact, field) in &route.behavior.forwarding.viewer_facts {
        match value(*fact, exchange) {
            Some(value) => drop(exchange.request.headers.insert(field, value)),
            None => drop(exchange.request.headers.remove(field)),
        }
    }
}

fn value(fact: ViewerFact, exchange: &Exchange) -> Option<HeaderValue> {
    let Exchange { worker, connection, request, route, .. } = exchange;
    match fact {
        ViewerFact::Host => transport::host(request),
        ViewerFact::Device(fact) => Some(worker.devices.value(fact, &request.headers, &worker.engine.devices)),
        ViewerFact::Place(fact) => place::value(fact, connection.viewer.ip(), &worker.engine.geo.load()),
        ViewerFact::Certificate(fact) => {
            certificate::value(fact, connection.tls.as_ref(), &route.as_ref()?.distribution)
        }
        ViewerFact::Transport(fact) => transport::value(fact, connection, request, exchange.header_names.as_ref()),
    }
}
