//! The end of a test whose rows are kept: committed instead of rolled back, in a database that is
//! set aside.

use super::Core;
use crate::{
    database::{Ending, keeping::Keeping},
    postgres::{
        Active,
        database::Mark,
        keep,
        lane::{Lane, LaneId, Terminate},
    },
};

impl Core {
    /// Whether the lane of a test that is to be kept can be.
    pub(super) fn can_keep(active: &Active, id: &LaneId, keeping: &Keeping) -> bool {
        if id.own.is_none() {
            keeping.not_kept(format_args!(
                "the role `{}` may not create databases, so all tests share one\nrun: ALTER ROLE \"{0}\" CREATEDB;",
                active.lanes().server().owner()
            ));
        }
        id.own.is_some()
    }

    /// Sets a database aside in which a test has been committed.
    pub(super) async fn set_aside(
        &self,
        active: &Active,
        lane: Lane,
        activity: Option<String>,
        keeping: &Keeping,
    ) -> Ending {
        let Lane { id, proxy } = lane;
        let server = active.lanes().server();
        // In good order, or else it may still be there when the database is renamed.
        proxy.close(id.leave(server, &Mark::leaving())).await;
        if let Some(activity) = activity {
            keeping.add_line(format!(
                "what was under way is undone, the rest is kept; {activity}"
            ));
        }
        if let Some(database) = &id.own
            && keep::set_aside(keeping, server, database).await
        {
            return Ending::Kept;
        }
        active.lanes().discard(id, Terminate::All);
        Ending::Cleared { left: Vec::new() }
    }
}
