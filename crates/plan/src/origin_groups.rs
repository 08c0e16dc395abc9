//! Where the requests of a cache behavior go: to an origin, or to an origin group, whose secondary origin stands in where
//! the primary one fails.
//!
//! Invariant: the members of a group are two different origins of its distribution, and every status it lists is an
//! error. Made by `check`; `proxy::failover` reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::types::Origin;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginGroupDocument {
    primary: String,
    secondary: String,
    /// FailoverCriteria.
    statuses: Vec<u16>,
}

/// TargetOriginId of a cache behavior.
#[derive(Debug, Clone)]
pub enum Target {
    /// One origin.
    Origin(Arc<Origin>),
    /// Two of them, in order.
    Group(Arc<OriginGroup>),
}

impl Target {
    /// The origin that every request goes to first.
    pub fn primary(&self) -> &Arc<Origin> {
        match self {
            Target::Origin(origin) => origin,
            Target::Group(group) => &group.primary,
        }
    }

    /// All origins that requests may go to.
    pub fn origins(&self) -> impl Iterator<Item = &Arc<Origin>> {
        let secondary = match self {
            Target::Origin(_) => None,
            Target::Group(group) => Some(&group.secondary),
        };
        std::iter::once(self.primary()).chain(secondary)
    }
}

/// OriginGroup: an origin, and the one that stands in for it.
#[derive(Debug)]
pub struct OriginGroup {
    /// Its id within the distribution.
    pub id: String,
    /// Asked first, every time.
    pub primary: Arc<Origin>,
    /// Asked where the primary one fails.
    pub secondary: Arc<Origin>,
    statuses: Vec<StatusCode>,
}

impl OriginGroup {
    /// Whether `status` is one of the failover criteria.
    pub fn lists(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status)
    }
}

/// What a cache behavior may name: every origin, and every origin group.
pub(crate) fn targets(
    origins: BTreeMap<String, Arc<Origin>>,
    groups: BTreeMap<String, OriginGroupDocument>,
) -> Result<BTreeMap<String, Target>, String> {
    let groups = groups
        .into_iter()
        .map(|(id, document)| Ok((id.clone(), Target::Group(Arc::new(group(id, document, &origins)?)))))
        .collect::<Result<Vec<_>, String>>()?;
    if let Some((id, _)) = groups.iter().find(|(id, _)| origins.contains_key(id)) {
        return Err(format!("origin group {id}: an origin has this id"));
    }
    let mut targets: BTreeMap<_, _> = origins.into_iter().map(|(id, origin)| (id, Target::Origin(origin))).collect();
    targets.extend(groups);
    Ok(targets)
}

fn group(
    id: String,
    document: OriginGroupDocument,
    origins: &BTreeMap<String, Arc<Origin>>,
) -> Result<OriginGroup, String> {
    let member = |name: &String| {
        origins.get(name).cloned().ok_or_else(|| format!("origin group {id}: there is no origin {name:?}"))
    };
    let (primary, secondary) = (member(&document.primary)?, member(&document.secondary)?);
    if Arc::ptr_eq(&primary, &secondary) {
        return Err(format!("origin group {id}: its members are two different origins"));
    }
    let status = |code: &u16| {
        let status = StatusCode::from_u16(*code).ok();
        let is_error = |status: &StatusCode| status.is_client_error() || status.is_server_error();
        status.filter(is_error).ok_or_else(|| format!("origin group {id}: {code} is no status of an error"))
    };
    let statuses = document.statuses.iter().map(status).collect::<Result<_, _>>()?;
    Ok(OriginGroup { id, primary, secondary, statuses })
}
