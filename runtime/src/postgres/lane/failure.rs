//! Why no lane was opened, and whether to wait for one.

use crate::{Error, error::ProblemKind};

/// Why no lane was opened.
pub(super) enum Failure {
    Final(Error),
    OutOfConnections(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is(ProblemKind::OutOfConnections) {
            Self::OutOfConnections(error)
        } else {
            Self::Final(error)
        }
    }
}
