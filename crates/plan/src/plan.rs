//! The set of distributions an edge serves, and how a document changes it.
//!
//! A `Plan` never changes: `apply` makes the next one, sharing every distribution that stays. Requests hold the plan they
//! began with, so a swap cannot be seen by a request in flight.

use std::sync::Arc;

use ahash::AHashMap;
use serde::de::DeserializeOwned;

use crate::challenges::Challenges;
use crate::check::{self, Rejected};
use crate::document::{FORMAT, InvalidationDocument, PlanDocument};
use crate::matching::Hosts;
use crate::types::{CertificatePem, Distribution, InvalidationOrder};

/// An immutable, checked configuration of every distribution.
#[derive(Debug, Default, Clone)]
pub struct Plan {
    sequence: u64,
    default_certificate: Option<CertificatePem>,
    distributions: AHashMap<Arc<str>, Arc<Distribution>>,
    hosts: Hosts,
    challenges: Arc<Challenges>,
}

impl Plan {
    /// The plan after `update`: UTF-8 JSON, a whole plan or a change on top of this one.
    ///
    /// # Errors
    /// `Rejected` says what is wrong; this plan stays as it is.
    pub fn apply(&self, update: &[u8]) -> Result<Plan, Rejected> {
        let document: PlanDocument = read(update)?;
        check_format(document.format)?;
        let mut next = self.starting_point(&document)?;
        next.sequence = document.sequence;
        if let Some(default) = document.default_certificate {
            next.default_certificate = Some(check::certificate(default));
        }
        if let Some(challenges) = document.challenges {
            next.challenges = Arc::new(Challenges::check(challenges).map_err(Rejected::Challenge)?);
        }
        for (id, change) in document.distributions {
            let distribution = change.map(|change| check::distribution(&id, change)).transpose()?;
            next.replace(&id, distribution);
        }
        Ok(next)
    }

    fn starting_point(&self, document: &PlanDocument) -> Result<Plan, Rejected> {
        match document.base {
            Some(base) if base != self.sequence => Err(Rejected::Base { base, current: self.sequence }),
            Some(_) if document.sequence <= self.sequence => {
                Err(Rejected::Sequence { sequence: document.sequence, current: self.sequence })
            }
            Some(_) => Ok(self.clone()),
            None => Ok(Plan::default()),
        }
    }

    fn replace(&mut self, id: &str, distribution: Option<Distribution>) {
        if let Some(before) = self.distributions.remove(id) {
            self.hosts.remove(&before);
        }
        if let Some(distribution) = distribution.map(Arc::new) {
            self.hosts.insert(&distribution);
            self.distributions.insert(Arc::clone(&distribution.id), distribution);
        }
    }

    /// The number of the document this plan came from; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The certificate for names that no distribution's own certificate covers.
    pub fn default_certificate(&self) -> Option<&CertificatePem> {
        self.default_certificate.as_ref()
    }

    /// What is answered to certificate authorities.
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Every distribution, in no order.
    pub fn distributions(&self) -> impl Iterator<Item = &Arc<Distribution>> {
        self.distributions.values()
    }

    /// The distribution with this id.
    pub fn distribution(&self, id: &str) -> Option<&Arc<Distribution>> {
        self.distributions.get(id)
    }

    /// The distribution that serves `host` (lower case, without port): by its domain name or its most specific alias.
    pub fn distribution_for(&self, host: &str) -> Option<&Arc<Distribution>> {
        self.hosts.find(host)
    }
}

impl InvalidationOrder {
    /// Reads an order: UTF-8 JSON.
    ///
    /// # Errors
    /// `Rejected` says what is wrong with it.
    pub fn parse(order: &[u8]) -> Result<InvalidationOrder, Rejected> {
        let document: InvalidationDocument = read(order)?;
        check_format(document.format)?;
        match document.patterns.iter().find(|pattern| !is_pattern(pattern)) {
            Some(pattern) => Err(Rejected::Pattern(pattern.clone())),
            None => Ok(InvalidationOrder {
                distribution: document.distribution,
                sequence: document.sequence,
                patterns: document.patterns,
            }),
        }
    }
}

fn is_pattern(text: &str) -> bool {
    let tag = text.strip_prefix('#').and_then(|tag| tag.split_once(':'));
    text.starts_with('/') || tag.is_some_and(|(header, tag)| !header.is_empty() && !tag.is_empty())
}

fn check_format(found: u32) -> Result<(), Rejected> {
    if found == FORMAT { Ok(()) } else { Err(Rejected::Format { found, known: FORMAT }) }
}

/// The error names the field.
fn read<D: DeserializeOwned>(document: &[u8]) -> Result<D, Rejected> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(document))
        .map_err(|error| Rejected::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
