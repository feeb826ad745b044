//! The databases of db-test that a server has, and what can be done with each.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::{
    DatabaseName, Purpose,
    mark::{COMMENT, LaneState, Mark},
};

/// For this long, in seconds, nobody need be connected to a lane that was just cloned, or that is
/// just being set aside.
const MOMENT: i64 = 60;

/// What can be done with a database of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Nobody uses it, and it is marked clean.
    Free,
    /// Somebody uses it, or is about to.
    InUse,
    /// A killed process left it.
    Abandoned,
}

/// A database that db-test made.
pub(crate) struct Found {
    pub(crate) database: DatabaseName,
    /// A drop of it was interrupted.
    is_invalid: bool,
    /// Somebody is connected to it.
    is_used: bool,
    /// The process that makes this draft is alive. What it was doing there may go on for a while
    /// after its death.
    has_maker: bool,
    comment: Comment,
}

/// What the comment of a database says.
#[derive(Debug)]
enum Comment {
    /// There is none, as with a database that was just made.
    Missing,
    /// Something of somebody else's.
    Foreign,
    Mark(Mark),
}

impl Comment {
    fn read(comment: Option<&str>) -> Self {
        match comment {
            Some(text) => Mark::parse(text).map_or(Self::Foreign, Self::Mark),
            None => Self::Missing,
        }
    }
}

impl Found {
    pub(crate) fn mark(&self) -> Option<&Mark> {
        match &self.comment {
            Comment::Mark(mark) => Some(mark),
            Comment::Missing | Comment::Foreign => None,
        }
    }

    pub(crate) fn fate(&self, now: i64) -> Fate {
        let since = |then: i64| (0..MOMENT).contains(&(now - then));
        match (self.database.purpose(), &self.comment) {
            _ if self.is_invalid => Fate::Abandoned,
            (Purpose::Template, _) => Fate::InUse,
            // Older versions do not say that they are alive.
            (Purpose::Draft, _)
                if self.has_maker || (self.is_used && self.database.named_at() == 0) =>
            {
                Fate::InUse
            }
            (Purpose::Draft, _) => Fate::Abandoned,
            _ if self.is_used => Fate::InUse,
            (Purpose::Lane, Comment::Mark(mark)) => match mark.state {
                LaneState::Clean => Fate::Free,
                LaneState::Leaving if since(mark.used) => Fate::InUse,
                LaneState::Leaving | LaneState::Busy => Fate::Abandoned,
            },
            (Purpose::Lane, Comment::Missing) if since(self.database.named_at()) => Fate::InUse,
            (Purpose::Lane, Comment::Missing | Comment::Foreign) => Fate::Abandoned,
        }
    }
}

/// Lists db-test's databases whose names begin like this.
pub(crate) async fn survey(
    maintenance: &mut PgConnection,
    prefix: &str,
) -> Result<Vec<Found>, sqlx::Error> {
    let sql = format!(
        "select d.datname::text, d.datconnlimit = -2, \
         exists (select from pg_stat_activity where datid = d.oid), \
         exists (select from pg_stat_activity where application_name = d.datname), {COMMENT} \
         from pg_database d where starts_with(d.datname, '{prefix}')"
    );
    // As a simple query, because a pooler in the way is reported later and may have given away a
    // prepared one.
    let rows = maintenance.fetch_all(sqlx::raw_sql(AssertSqlSafe(sql)));
    let mut found = Vec::new();
    for row in rows.await? {
        let Some(database) = DatabaseName::recognize(row.try_get(0)?) else {
            continue;
        };
        let comment: Option<String> = row.try_get(4)?;
        found.push(Found {
            database,
            is_invalid: row.try_get(1)?,
            is_used: row.try_get(2)?,
            has_maker: row.try_get(3)?,
            comment: Comment::read(comment.as_deref()),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Comment, DatabaseName, Fate, Found, LaneState, MOMENT, Mark};

    fn lane(mark: Option<(LaneState, i64)>) -> Found {
        Found {
            database: DatabaseName::recognize("dbt_0123456789abcdef_7").expect("it is one of ours"),
            is_invalid: false,
            is_used: false,
            has_maker: false,
            comment: mark.map_or(Comment::Missing, |(state, used)| {
                let comment = None;
                Comment::Mark(Mark {
                    state,
                    used,
                    comment,
                })
            }),
        }
    }

    #[test]
    fn only_a_lane_that_was_given_back_is_free() {
        assert_eq!(lane(Some((LaneState::Clean, 0))).fate(1000), Fate::Free);
        for abandoned in [
            None,
            Some((LaneState::Busy, 1000)),
            Some((LaneState::Leaving, 0)),
        ] {
            assert_eq!(lane(abandoned).fate(1000), Fate::Abandoned, "{abandoned:?}");
        }
    }

    #[test]
    fn what_somebody_uses_or_is_about_to_use_is_left_alone() {
        for mark in [
            None,
            Some((LaneState::Clean, 0)),
            Some((LaneState::Busy, 0)),
        ] {
            let used = Found {
                is_used: true,
                ..lane(mark)
            };
            assert_eq!(used.fate(1000), Fate::InUse, "{mark:?}");
        }
        assert_eq!(
            lane(Some((LaneState::Leaving, 1000 - MOMENT / 2))).fate(1000),
            Fate::InUse
        );
        let database = DatabaseName::template("0123456789abcdef").new_lane();
        let cloned = Found {
            database,
            ..lane(None)
        };
        assert_eq!(cloned.fate(Mark::now()), Fate::InUse);
        assert_eq!(cloned.fate(Mark::now() + 2 * MOMENT), Fate::Abandoned);
    }

    #[test]
    fn a_half_dropped_database_and_the_draft_of_a_killed_process_are_abandoned() {
        let invalid = Found {
            is_invalid: true,
            ..lane(Some((LaneState::Clean, 0)))
        };
        assert_eq!(invalid.fate(1000), Fate::Abandoned);
        let database = DatabaseName::template("0123456789abcdef").new_draft();
        let draft = |has_maker| Found {
            database: database.clone(),
            is_used: true,
            has_maker,
            ..lane(None)
        };
        assert_eq!(
            (draft(true).fate(0), draft(false).fate(0)),
            (Fate::InUse, Fate::Abandoned)
        );
    }
}
