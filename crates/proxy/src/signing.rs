//! The identity with which this edge signs requests to S3 origins (origin access control).

use std::sync::Arc;

use ahash::AHashMap;
use edgeward_plan::{SigningBehavior, SigningRules};
use http::{HeaderMap, HeaderName, Request, header};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::settings::S3Access;
use crate::sigv4::{InvalidScope, Payload, Signer, UnsignedRequest};

static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Keys, and a signer for each region and service they were used in.
pub(crate) struct SigningIdentity {
    access_key: String,
    secret_key: String,
    signers: Mutex<AHashMap<(String, String), Arc<Signer>>>,
}

impl SigningIdentity {
    pub(crate) fn new(access: &S3Access) -> SigningIdentity {
        SigningIdentity {
            access_key: access.access_key.clone(),
            secret_key: access.secret_key.clone(),
            signers: Mutex::default(),
        }
    }

    /// Signs `request` to `host` as it will be sent.
    pub(crate) fn sign<B>(
        &self,
        request: &mut Request<B>,
        host: &str,
        rules: &SigningRules,
        clock: &Clock,
    ) -> Result<(), InvalidScope> {
        let signer = self.signer(rules)?;
        let declared = request.headers().get(&CONTENT_SHA256).cloned();
        let unsigned = UnsignedRequest {
            method: request.method(),
            host,
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: request.headers(),
            payload: declared.as_ref().map_or(Payload::Unsigned, Payload::Declared),
        };
        signer.sign(&unsigned, clock.now().secs()).apply(request.headers_mut());
        Ok(())
    }

    fn signer(&self, rules: &SigningRules) -> Result<Arc<Signer>, InvalidScope> {
        let scope = (rules.region.clone(), rules.service.clone());
        let mut signers = self.signers.lock();
        if let Some(signer) = signers.get(&scope) {
            return Ok(Arc::clone(signer));
        }
        let signer = Arc::new(Signer::new(&self.access_key, &self.secret_key, &rules.region, &rules.service)?);
        signers.insert(scope, Arc::clone(&signer));
        Ok(signer)
    }
}

/// Whether a request with these fields is to be signed (guide, private-content-restricting-access-to-s3).
pub(crate) fn is_signed(rules: &SigningRules, headers: &HeaderMap) -> bool {
    match rules.behavior {
        SigningBehavior::Always => true,
        SigningBehavior::Never => false,
        SigningBehavior::NoOverride => !headers.contains_key(header::AUTHORIZATION),
    }
}
