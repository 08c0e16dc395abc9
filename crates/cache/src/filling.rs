//! A response while it arrives: its head is known and its content still comes.

use std::sync::Arc;

use crate::arriving::Arriving;
use crate::stored::{Freshness, ResponseHead};

/// A response that is being received.
#[derive(Debug)]
pub struct Filling {
    /// Status and header fields.
    pub head: ResponseHead,
    /// As it will be stored.
    pub freshness: Freshness,
    /// What has come of it so far.
    pub content: Arc<Arriving>,
}
