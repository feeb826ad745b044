//! Where a test comes from.

use std::{env, path::PathBuf};

use super::{SessionFn, stated::Stated};

/// The facts about a test that decide which session it belongs to.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(super) crate_dir: &'static str,
    /// Whether that directory had a `migrations/` when the test was compiled.
    pub(crate) had_migrations: bool,
    /// The migrations that the attribute states.
    pub(crate) stated: Option<Stated>,
    /// The session function that the attribute names.
    pub(crate) session: Option<SessionFn>,
}

impl Origin {
    pub(crate) const fn new(crate_dir: &'static str) -> Self {
        Self {
            crate_dir,
            had_migrations: false,
            stated: None,
            session: None,
        }
    }

    /// The directory of the test's crate. Cargo and nextest name it in the environment, also when
    /// an archive of test programs runs on another machine than the one that compiled them.
    pub(crate) fn crate_dir(&self) -> PathBuf {
        let now = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        now.filter(|directory| directory.is_dir())
            .unwrap_or_else(|| PathBuf::from(self.crate_dir))
    }
}
