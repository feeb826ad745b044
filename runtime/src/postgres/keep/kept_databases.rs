//! The kept databases of a server.
//!
//! A kept database is recognized by its name *and* its comment. On a server that a URL names, only
//! those of this role are touched, because others may test there, too.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use crate::{
    BoxError,
    database::keeping::{Kept, most_are_kept},
    observe::{log, report::chain},
    postgres::{
        database::{COMMENT, DatabaseName, KeptDatabase, Mark, Sessions, remove},
        server::Server,
        sqlstate::{self, is},
    },
};

/// A kept database is dropped when it is older than this.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// How long a failed test waits for its database to be renamed. PostgreSQL itself gives up after
/// five seconds while something is connected.
const LIMIT: Duration = Duration::from_secs(15);

/// A kept database as its name and its comment say.
struct Found {
    database: KeptDatabase,
    test: String,
    /// In seconds.
    age: i64,
}

impl Found {
    fn listed(self, server: &Server, problem: Option<String>) -> Kept {
        Kept {
            command: server.psql(self.database.as_str()),
            test: self.test,
            age: self.age,
            problem,
        }
    }
}

/// Terminates the connections to a lane and renames its database. Nothing else in it changes.
///
/// # Cancel safety
///
/// A lane that is not renamed is not marked clean, so that the next process that looks for lanes
/// removes it.
pub(super) async fn set_aside(
    server: &Server,
    lane: &DatabaseName,
    test: &str,
) -> Result<KeptDatabase, String> {
    let setting = try_set_aside(server, lane, test);
    match tokio::time::timeout(LIMIT, setting).await {
        Ok(result) => result,
        Err(_) => Err(format!(
            "the server did not rename its database within {} s",
            LIMIT.as_secs()
        )),
    }
}

async fn try_set_aside(
    server: &Server,
    lane: &DatabaseName,
    test: &str,
) -> Result<KeptDatabase, String> {
    let mut maintenance = server
        .maintenance()
        .await
        .map_err(|cause| cause.to_string())?;
    let failed = |error| format!("its database could not be renamed: {}", chain(&error));
    expire(server, &mut maintenance).await;
    let kept = read(server, &mut maintenance).await.map_err(failed)?;
    if let Some(problem) = most_are_kept(kept.len()) {
        return Err(problem);
    }
    terminate_connections(&mut maintenance, lane)
        .await
        .map_err(failed)?;
    let database = rename(&mut maintenance, lane, test).await.map_err(failed)?;
    let comment = comment(&database, test);
    run(&mut maintenance, comment).await.map_err(failed)?;
    maintenance.close().await.ok();
    server.stay_up();
    Ok(database)
}

/// Ends every connection to a lane, each of which is waited for.
async fn terminate_connections(
    maintenance: &mut PgConnection,
    lane: &DatabaseName,
) -> Result<(), sqlx::Error> {
    let sql = "select pg_terminate_backend(pid, 2000) from pg_stat_activity where datname = $1";
    let query = sqlx::query(sql).bind(lane.as_str());
    query.execute(maintenance).await.map(|_| ())
}

/// Gives a lane the first name that is free. Trying is the only race-free way.
async fn rename(
    maintenance: &mut PgConnection,
    lane: &DatabaseName,
    test: &str,
) -> Result<KeptDatabase, sqlx::Error> {
    let mut number = 1;
    loop {
        let database = KeptDatabase::new(test, number);
        match run(
            maintenance,
            format!("alter database {lane} rename to {database}"),
        )
        .await
        {
            // The second is what the loser of a race gets.
            Err(error)
                if is(&error, sqlstate::DUPLICATE_DATABASE)
                    || is(&error, sqlstate::UNIQUE_VIOLATION) =>
            {
                number += 1;
            }
            result => return result.map(|()| database),
        }
    }
}

fn comment(database: &KeptDatabase, test: &str) -> String {
    let test = test.replace('\'', "''");
    format!(
        "comment on database {database} is 'db-test kept {} {test}'",
        Mark::now()
    )
}

/// What is kept, the newest first. The server stays up, so that it can be looked at.
pub(super) async fn list(server: &Server) -> Result<Vec<Kept>, BoxError> {
    let mut maintenance = server.maintenance().await?;
    expire(server, &mut maintenance).await;
    let kept = read(server, &mut maintenance).await?;
    maintenance.close().await.ok();
    if !kept.is_empty() {
        server.stay_up();
    }
    let kept = kept.into_iter().map(|found| found.listed(server, None));
    Ok(kept.collect())
}

/// Drops what is kept; returns what could not be dropped.
pub(super) async fn clear(server: &Server) -> Result<Vec<Kept>, BoxError> {
    let mut maintenance = server.maintenance().await?;
    let mut left = Vec::new();
    for found in read(server, &mut maintenance).await? {
        if let Err(error) = drop_one(&mut maintenance, &found.database).await {
            let problem = chain(&error).replace('\n', "; ");
            left.push(found.listed(server, Some(problem)));
        }
    }
    maintenance.close().await.ok();
    if left.is_empty() {
        server.cancel_stay_up();
    }
    Ok(left)
}

/// Drops what has been kept for long enough. What fails is tried again the next time.
pub(crate) async fn expire(server: &Server, maintenance: &mut PgConnection) {
    let kept = read(server, maintenance).await.unwrap_or_default();
    for Found { database, .. } in kept.iter().filter(|kept| kept.age > KEPT_SECONDS) {
        match drop_one(maintenance, database).await {
            Ok(()) => log::info(format_args!(
                "dropped {database}, which had been kept for a week"
            )),
            Err(error) => log::debug(format_args!("{database} was not dropped: {error}")),
        }
    }
}

/// Without `force`, the server refuses while somebody is connected.
async fn drop_one(
    maintenance: &mut PgConnection,
    database: &KeptDatabase,
) -> Result<(), sqlx::Error> {
    remove(maintenance, database, Sessions::Respected).await
}

async fn read(server: &Server, maintenance: &mut PgConnection) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "select d.datname, {COMMENT} from pg_database d \
         where starts_with(d.datname, $1) and ($2 or pg_get_userbyid(d.datdba) = current_user)",
    )))
    .bind(KeptDatabase::prefix())
    .bind(server.is_private())
    .fetch_all(maintenance)
    .await?;
    let mut kept = Vec::new();
    for row in rows {
        let (name, comment): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        kept.extend(understand(&name, &comment.unwrap_or_default(), Mark::now()));
    }
    kept.sort_by_key(|kept| kept.age);
    Ok(kept)
}

/// A kept database by its name and comment; none if either is not one of db-test's.
fn understand(name: &str, comment: &str, now: i64) -> Option<Found> {
    let database = KeptDatabase::recognize(name)?;
    let commented = || {
        let (since, test) = comment.strip_prefix("db-test kept ")?.split_once(' ')?;
        Some((since.parse().ok()?, test.to_owned()))
    };
    // The process may have been killed between the renaming and the comment.
    let marked = || Some((Mark::parse(comment)?.used, name.to_owned()));
    let (since, test): (i64, String) = commented().or_else(marked)?;
    Some(Found {
        database,
        test,
        age: now - since,
    })
}

async fn run(maintenance: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    let statement = sqlx::raw_sql(AssertSqlSafe(sql));
    maintenance.execute(statement).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::{comment, understand};
    use crate::postgres::database::KeptDatabase;

    #[test]
    fn a_comment_is_read_as_it_was_left() {
        let database = KeptDatabase::new("it::a_test", 1);
        let statement = comment(&database, "it::a_test");
        let text = statement.split('\'').nth(1).expect("it is quoted");
        let kept = understand(database.as_str(), text, i64::MAX).expect("it is one of ours");
        assert_eq!(kept.test, "it::a_test");
    }

    #[test]
    fn a_database_with_another_comment_is_not_taken_for_a_kept_one() {
        for comment in ["", "the numbers of 1000", "db-test", "db-test kept soon"] {
            assert!(
                understand("dbt_kept_numbers_1", comment, 0).is_none(),
                "{comment}"
            );
        }
        let leaving = understand("dbt_kept_numbers_1", "db-test leaving 1000", 1000);
        assert_eq!(
            leaving.expect("its process was killed").test,
            "dbt_kept_numbers_1"
        );
        assert!(understand("numbers", "db-test kept 1000 it::a_test", 0).is_none());
    }
}
