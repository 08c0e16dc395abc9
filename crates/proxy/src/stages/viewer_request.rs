//! Stage 3: what the distribution and its behavior allow.

use edgeward_plan::{GeoRestriction, ViewerProtocol};
use http::{Method, StatusCode, Version};

use super::Early;
use crate::exchange::{Exchange, Route};
use crate::refusal::Refusal;

/// Lets the request go on, or answers it.
pub(crate) fn admit(exchange: &Exchange) -> Result<(), Early> {
    let Some(Route { distribution, behavior, .. }) = &exchange.route else { return Err(Refusal::UnknownHost.into()) };
    if !distribution.enabled {
        return Err(Refusal::Disabled.into());
    }
    if let Some(restriction) = &distribution.geo_restriction {
        by_country(exchange, restriction)?;
    }
    if !exchange.is_https() {
        over_http(exchange, behavior.viewer_protocol)?;
    }
    if !behavior.allows(&exchange.request.method) {
        return Err(Refusal::MethodNotAllowed.into());
    }
    Ok(())
}

/// Guide, georestrictions. An edge without data about countries serves nobody: it cannot tell whom to block.
fn by_country(exchange: &Exchange, restriction: &GeoRestriction) -> Result<(), Refusal> {
    let geo = exchange.worker.engine.geo.load();
    if !geo.knows_countries() {
        return Err(Refusal::GeoDataMissing);
    }
    if restriction.serves(geo.country(exchange.connection.viewer.ip())) { Ok(()) } else { Err(Refusal::GeoBlocked) }
}

/// Guide, using-https-viewers-to-cloudfront: a redirect that keeps the method needs HTTP/1.1.
fn over_http(exchange: &Exchange, policy: ViewerProtocol) -> Result<(), Early> {
    let request = &exchange.request;
    match policy {
        ViewerProtocol::AllowAll => Ok(()),
        ViewerProtocol::HttpsOnly => Err(Refusal::HttpsRequired.into()),
        ViewerProtocol::RedirectToHttps if matches!(request.method, Method::GET | Method::HEAD) => {
            Err(Early::Redirect(StatusCode::MOVED_PERMANENTLY))
        }
        ViewerProtocol::RedirectToHttps if request.version >= Version::HTTP_11 => {
            Err(Early::Redirect(StatusCode::TEMPORARY_REDIRECT))
        }
        ViewerProtocol::RedirectToHttps => Err(Refusal::HttpsRequired.into()),
    }
}
