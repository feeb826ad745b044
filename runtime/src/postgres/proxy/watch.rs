//! What follows the statements of a test.

use std::sync::Arc;

use super::api::Faults;
use crate::observe::recording::Recording;

/// What follows the statements of a test.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) recording: Arc<Recording>,
    pub(crate) faults: Arc<dyn Faults>,
}
