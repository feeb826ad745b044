//! The same program on the file of a test and on a file as production has it. Each test is a row of
//! `docs/sqlite.md`.

use std::{fs, path::PathBuf, time::Duration};

use db_test::db_test;
use sqlx::{
    Connection, Executor, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

static MIGRATOR: Migrator = sqlx::migrate!("tests/sqlite/migrations");

/// Two databases that should behave the same.
struct Both {
    test: SqliteConnectOptions,
    production: SqliteConnectOptions,
    directory: PathBuf,
}

impl Both {
    async fn new(test: SqliteConnectOptions, name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("dbt-{}-{name}", std::process::id()));
        fs::create_dir(&directory).expect("it is new");
        let production = SqliteConnectOptions::new()
            .filename(directory.join("production.db"))
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePool::connect_with(production.clone().create_if_missing(true)).await;
        let pool = pool.expect("it is made");
        MIGRATOR.run(&pool).await.expect("they run");
        sqlx::query("insert into users (name) values ('seeded')")
            .execute(&pool)
            .await
            .expect("it is added");
        pool.close().await;
        Self {
            test,
            production,
            directory,
        }
    }

    /// Runs the program on both, with a short wait for locks; gives what both answer.
    async fn run<F: Future<Output = Vec<String>>>(
        &self,
        program: impl Fn(SqlitePool) -> F,
    ) -> Vec<String> {
        let mut answers = Vec::new();
        for options in [&self.test, &self.production] {
            let options = options.clone().busy_timeout(Duration::from_millis(20));
            let pool = SqlitePoolOptions::new()
                .connect_with(options)
                .await
                .expect("it connects");
            answers.push(program(pool.clone()).await);
            pool.close().await;
        }
        let production = answers.pop().expect("there are two");
        assert_eq!(answers.pop().as_ref(), Some(&production));
        production
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
    }
}

/// What a statement answers: the rows it changed, or the code of its error.
async fn answer(connection: &mut SqliteConnection, sql: &'static str) -> String {
    match connection.execute(sql).await {
        Ok(done) => format!("{} rows", done.rows_affected()),
        Err(error) => {
            let code = error
                .as_database_error()
                .and_then(|error| error.code().map(Into::into));
            code.unwrap_or_else(|| error.to_string())
        }
    }
}

const WRITE: &str = "insert into users (name) values (hex(randomblob(8)))";

#[db_test]
async fn a_concurrent_writer_is_busy(options: SqliteConnectOptions) {
    let both = Both::new(options, "writer").await;
    let answers = both.run(async |pool| {
        let (mut one, mut two) = (
            pool.acquire().await.expect("one"),
            pool.acquire().await.expect("two"),
        );
        let mut first = one.begin().await.expect("it begins");
        let wrote = answer(&mut first, WRITE).await;
        let refused = answer(&mut two, WRITE).await;
        first.commit().await.expect("it commits");
        vec![wrote, refused, answer(&mut two, WRITE).await]
    });
    assert_eq!(answers.await, ["1 rows", "5", "1 rows"]);
}

#[db_test]
async fn a_reader_sees_its_snapshot_and_does_not_stop_a_writer(options: SqliteConnectOptions) {
    let both = Both::new(options, "reader").await;
    let answers = both.run(async |pool| {
        let (mut one, mut two) = (
            pool.acquire().await.expect("one"),
            pool.acquire().await.expect("two"),
        );
        let count = "select count(*) from users";
        let mut reader = one.begin().await.expect("it begins");
        let before: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut *reader)
            .await
            .expect("it reads");
        let wrote = answer(&mut two, WRITE).await;
        let after: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut *reader)
            .await
            .expect("it reads");
        vec![wrote, (after - before).to_string()]
    });
    assert_eq!(answers.await, ["1 rows", "0"]);
}

#[db_test]
async fn a_stale_reader_cannot_become_a_writer(options: SqliteConnectOptions) {
    let both = Both::new(options, "stale").await;
    let answers = both.run(async |pool| {
        let (mut one, mut two) = (
            pool.acquire().await.expect("one"),
            pool.acquire().await.expect("two"),
        );
        let mut reader = one.begin().await.expect("it begins");
        reader
            .execute("select * from users")
            .await
            .expect("it reads");
        let wrote = answer(&mut two, WRITE).await;
        vec![wrote, answer(&mut reader, WRITE).await]
    });
    // SQLITE_BUSY_SNAPSHOT
    assert_eq!(answers.await, ["1 rows", "517"]);
}

#[db_test]
async fn begin_immediate_takes_the_lock_at_once(options: SqliteConnectOptions) {
    let both = Both::new(options, "immediate").await;
    let answers = both.run(async |pool| {
        let (mut one, mut two) = (
            pool.acquire().await.expect("one"),
            pool.acquire().await.expect("two"),
        );
        let first = one.begin_with("begin immediate").await.expect("it begins");
        let second = answer(&mut two, "begin immediate").await;
        first.rollback().await.expect("it ends");
        vec![second, answer(&mut two, "begin immediate").await]
    });
    assert_eq!(answers.await, ["5", "0 rows"]);
}

#[db_test]
async fn foreign_keys_are_enforced_as_the_options_say(options: SqliteConnectOptions) {
    let both = Both::new(options, "keys").await;
    let answers = both.run(async |pool| {
        let mut enforced = pool.acquire().await.expect("it connects");
        let orphan = "insert into posts (author, title) values (77, 'orphan')";
        let refused = answer(&mut enforced, orphan).await;
        enforced
            .execute("pragma foreign_keys = off")
            .await
            .expect("it is set");
        vec![refused, answer(&mut enforced, orphan).await]
    });
    // SQLITE_CONSTRAINT_FOREIGNKEY
    assert_eq!(answers.await, ["787", "1 rows"]);
}

#[db_test]
async fn triggers_run_and_insert_or_rollback_ends_the_transaction(options: SqliteConnectOptions) {
    let both = Both::new(options, "triggers").await;
    let answers = both.run(async |pool| {
        let mut connection = pool.acquire().await.expect("it connects");
        let mut answers = Vec::new();
        for sql in [
            "begin",
            WRITE,
            "delete from history",
            "insert or rollback into users (name) values ('seeded')",
            "commit",
        ] {
            answers.push(answer(&mut connection, sql).await);
        }
        answers
    });
    // The seed's and the first insert's; then SQLITE_CONSTRAINT_UNIQUE, and no transaction is left
    // to commit.
    assert_eq!(answers.await, ["0 rows", "1 rows", "2 rows", "2067", "1"]);
}
