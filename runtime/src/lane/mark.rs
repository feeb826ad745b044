//! The mark that a lane's user leaves on it.

use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::{database::OwnDatabase, server::Server};

/// A note on one of our databases, kept on the server as the database's comment.
///
/// It says *busy* from the moment a process claims the lane until that process gives it back in
/// good order. A lane that is found busy by its next claimant belonged to a process that was
/// killed, so nobody has proved that nothing escaped into it: it is not used again.
///
/// It also says when the database was last used, for the removal of stale ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) busy: bool,
    /// Seconds since 1970, by this machine's clock.
    pub(crate) used: i64,
}

impl Mark {
    pub(crate) fn clean() -> Self {
        Self {
            busy: false,
            used: Self::now(),
        }
    }

    pub(crate) fn busy() -> Self {
        Self {
            busy: true,
            used: Self::now(),
        }
    }

    pub(crate) fn now() -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// Reads a mark; a comment that is not one of ours is none.
    pub(crate) fn parse(comment: &str) -> Option<Self> {
        let (state, used) = comment.strip_prefix("db-test ")?.split_once(' ')?;
        let busy = match state {
            "busy" => true,
            "clean" => false,
            _ => return None,
        };
        Some(Self {
            busy,
            used: used.parse().ok()?,
        })
    }

    /// The statement that leaves this mark on a database.
    pub(crate) fn statement(self, database: &OwnDatabase) -> String {
        let state = if self.busy { "busy" } else { "clean" };
        format!(
            "comment on database {database} is 'db-test {state} {}'",
            self.used
        )
    }
}

/// Leaves a mark on a database.
pub(super) async fn leave(
    connection: &mut PgConnection,
    server: &Server,
    database: &OwnDatabase,
    mark: &Mark,
) -> Result<(), sqlx::Error> {
    let sql = server.as_owner(mark.statement(database));
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    done.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use crate::database::OwnDatabase;

    #[test]
    fn a_mark_is_read_as_it_was_left() {
        let database = OwnDatabase::template("0123456789abcdef");
        for mark in [Mark::busy(), Mark::clean()] {
            let statement = mark.statement(&database);
            let comment = statement.split('\'').nth(1).expect("the comment is quoted");
            assert_eq!(Mark::parse(comment), Some(mark));
        }
    }
}
