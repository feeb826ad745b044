//! Keeping the database of a failed test, so that it can be looked at.
//!
//! What the test has written is committed in its lane, which is then renamed and never used as a
//! lane again. The report says how to open it.

mod kept_databases;

use std::sync::atomic::AtomicBool;

pub(crate) use self::kept_databases::expire;
use crate::{
    database::keeping::{self, Keeping, Upkeep, listing},
    observe::log,
    postgres::{database::DatabaseName, server::Server},
};

/// Renames a lane's database, whose connection must be closed. If it returns false, the lane
/// still exists and has to be discarded.
pub(crate) async fn set_aside(keeping: &Keeping, server: &Server, database: &DatabaseName) -> bool {
    let test = keeping.test();
    match kept_databases::set_aside(server, database, test).await {
        Ok(kept) => {
            log::info(format_args!("kept {database} of {test} as {kept}"));
            keeping.kept(server.psql(kept.as_str()), server.about_kept().to_owned());
            true
        }
        Err(problem) => {
            keeping.not_kept(problem);
            false
        }
    }
}

/// Lists or drops what is kept on a server, once in a process, if `DB_TEST_KEEP` says so.
pub(crate) async fn run_request(server: &Server) {
    static DONE: AtomicBool = AtomicBool::new(false);
    let Some(upkeep) = keeping::upkeep(&DONE) else {
        return;
    };
    let (done, none) = match upkeep {
        Upkeep::List => (kept_databases::list(server).await, "nothing is kept"),
        Upkeep::Drop => (
            kept_databases::clear(server).await,
            "dropped all that was kept",
        ),
    };
    let place = format!("on {server}");
    log::notice(match done {
        Ok(kept) => listing(&kept, &place, none, server.about_kept()),
        Err(problem) => keeping::failed(problem),
    });
}
