//! How this edge reaches origins: its settings for that, and who it is to those that ask for a certificate.
//!
//! Invariant: every client certificate of the live plan has been read, so that no request fails on one. Made by `edge`,
//! asked by `origin_exchange`.

use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use edgeward_net::Certificate;
use edgeward_net::origin::{ClientConfig, ClientIdentity, MonotonicClock, OriginNetwork, OriginSettings, Reach};
use edgeward_plan::{CertificatePem, Plan, Rejected};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::refusal::Refusal;
use crate::settings::EdgeSettings;

/// What all workers share of the way to origins.
pub(crate) fn network(settings: &EdgeSettings, clock: &Clock) -> OriginNetwork {
    OriginNetwork::new(OriginSettings {
        reach: Reach::new(settings.allowed_private_origins.clone()),
        name_servers: settings.name_servers.clone(),
        limits: (&settings.origin_limits).into(),
        clock: monotonic(clock),
    })
}

/// By what origins' names and failures are remembered: a manual clock where there is one, else one that nobody sets.
fn monotonic(clock: &Clock) -> MonotonicClock {
    match clock {
        Clock::System => MonotonicClock::default(),
        Clock::Manual(_) => {
            let clock = clock.clone();
            MonotonicClock::new(move || Duration::from_nanos(clock.now().nanos()))
        }
    }
}

/// The certificates that the edge shows to origins (origin mTLS).
#[derive(Debug)]
pub(crate) struct ClientIdentities {
    tls: Arc<ClientConfig>,
    /// By the certificate's chain.
    known: Mutex<AHashMap<String, ClientIdentity>>,
}

impl ClientIdentities {
    /// None yet; `tls` is what they have in common with connections that show no certificate.
    pub(crate) fn new(tls: Arc<ClientConfig>) -> ClientIdentities {
        ClientIdentities { tls, known: Mutex::default() }
    }

    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// Reads those of a plan. Those that it has no longer are kept by the requests that use them.
    pub(crate) fn prepare(&self, plan: &Plan) -> Result<(), Rejected> {
        let mut next = AHashMap::new();
        for distribution in plan.distributions() {
            for pem in distribution.origins().filter_map(|origin| origin.client_certificate.as_ref()) {
                let identity = self.get(pem).map_err(|reason| {
                    let owner = format!("an origin of {}", distribution.id);
                    Rejected::Certificate { owner, reason }
                })?;
                next.insert(pem.chain_pem.clone(), identity);
            }
        }
        *self.known.lock() = next;
        Ok(())
    }

    /// The one with this certificate; connections that show it are kept apart from all others.
    pub(crate) fn of(&self, pem: &CertificatePem) -> Result<ClientIdentity, Refusal> {
        self.get(pem).map_err(|_reason| Refusal::OriginTls)
    }

    fn get(&self, pem: &CertificatePem) -> Result<ClientIdentity, String> {
        if let Some(known) = self.known.lock().get(&pem.chain_pem) {
            return Ok(known.clone());
        }
        let certificate = Certificate::from_pem(&pem.chain_pem, &pem.key_pem).map_err(|error| error.to_string())?;
        Ok(ClientIdentity::new(&self.tls, &certificate))
    }
}
