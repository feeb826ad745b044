//! How one operation is run twice and what the application sees of it is compared.

use std::cell::RefCell;

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};

thread_local! {
    /// What the last run on this thread saw: a test's body stays on the thread of its test.
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// An application: a pool, and what it saw of its database.
pub(crate) struct App {
    pub(crate) pool: PgPool,
    view: Vec<String>,
}

impl App {
    pub(crate) fn new(pool: PgPool) -> Self {
        let view = Vec::new();
        Self { pool, view }
    }

    /// Remembers what was seen.
    pub(crate) fn see(&mut self, what: impl Into<String>) {
        self.view.push(what.into());
    }

    /// Remembers how a thing ended.
    pub(crate) fn outcome<T>(&mut self, result: &Result<T, sqlx::Error>) {
        self.see(result.as_ref().map_or_else(kind, |_| "ok".to_owned()));
    }

    /// Runs prepared statements on the pool, each with its own acquire.
    pub(crate) async fn run(&mut self, statements: &[&str]) {
        for sql in statements {
            let pool = self.pool.clone();
            self.see(run(&pool, sql).await);
        }
    }

    /// Runs prepared statements on a connection or in a transaction.
    pub(crate) async fn on(&mut self, connection: &mut PgConnection, statements: &[&str]) {
        for sql in statements {
            self.see(run(&mut *connection, sql).await);
        }
    }

    /// Sends one simple query, of any number of statements.
    pub(crate) async fn raw(&mut self, connection: &mut PgConnection, sql: &str) {
        let result = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(connection);
        self.view.push(described(result.await));
    }

    /// The names of all items.
    pub(crate) async fn items(&mut self) {
        self.run(&["select string_agg(name || price, ' ' order by name) from items"])
            .await;
    }

    pub(crate) fn into_view(self) -> Vec<String> {
        self.view
    }
}

async fn run<'c>(executor: impl sqlx::Executor<'c, Database = Postgres>, sql: &str) -> String {
    described(sqlx::query(AssertSqlSafe(sql)).fetch_all(executor).await)
}

/// Rows as text, by their first column; or the kind of an error.
pub(crate) fn described(result: Result<Vec<sqlx::postgres::PgRow>, sqlx::Error>) -> String {
    let text = |row: &sqlx::postgres::PgRow| {
        row.try_get_unchecked::<Option<String>, _>(0)
            .unwrap_or_default()
            .unwrap_or_else(|| "null".to_owned())
    };
    match result {
        Ok(rows) => format!("{:?}", rows.iter().map(text).collect::<Vec<_>>()),
        Err(error) => kind(&error),
    }
}

/// An error by its SQLSTATE, or by the name of its variant.
pub(crate) fn kind(error: &sqlx::Error) -> String {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.map_or_else(
        || {
            let debug = format!("{error:?}");
            debug
                .split(['(', ' '])
                .next()
                .unwrap_or_default()
                .to_owned()
        },
        |code| format!("error {code}"),
    )
}

/// Runs a program on a test's pool and leaves its view for [`seen`].
pub(crate) async fn record(pool: PgPool, program: impl AsyncFnOnce(&mut App)) {
    let mut app = App::new(pool);
    program(&mut app).await;
    SEEN.set(app.into_view());
}

/// What the last program on this thread saw.
pub(crate) fn seen() -> Vec<String> {
    SEEN.take()
}

/// Makes a function that runs a program in production and in the sandbox, and gives both views.
macro_rules! both {
    ($name:ident, $session:path, $app:ident, $body:block) => {
        #[allow(unnameable_test_items, reason = "they are called, not collected")]
        fn $name() -> (Vec<String>, Vec<String>) {
            async fn program($app: &mut $crate::comparison::App) $body

            #[db_test::db_test(isolation = "database", session = $session)]
            async fn production(pool: sqlx::PgPool) {
                $crate::comparison::record(pool, program).await;
            }

            #[db_test::db_test(session = $session)]
            async fn sandbox(pool: sqlx::PgPool) {
                $crate::comparison::record(pool, program).await;
            }

            production();
            let expected = $crate::comparison::seen();
            sandbox();
            (expected, $crate::comparison::seen())
        }
    };
}
pub(crate) use both;

/// A row of the table: an application sees the same in production and in the sandbox.
macro_rules! same {
    ($(async fn $name:ident($app:ident) $body:block)*) => { $(
        #[test]
        fn $name() {
            $crate::comparison::both!(both, $crate::session, $app, $body);
            let (production, sandbox) = both();
            $crate::comparison::assert_same(&production, &sandbox);
        }
    )* };
}
pub(crate) use same;

/// The same for programs that use several connections at once.
macro_rules! same_with_several {
    ($(async fn $name:ident($app:ident) $body:block)*) => { $(
        #[test]
        fn $name() {
            $crate::comparison::both!(both, $crate::several, $app, $body);
            let (production, sandbox) = both();
            $crate::comparison::assert_same(&production, &sandbox);
        }
    )* };
}
pub(crate) use same_with_several;

pub(crate) fn assert_same(production: &[String], sandbox: &[String]) {
    assert!(!production.is_empty());
    assert_eq!(sandbox, production, "the sandbox is on the left");
}

/// A row of the table where equality is impossible: what is seen of either is pinned.
macro_rules! differs {
    ($(async fn $name:ident($app:ident) $body:block production $production:expr; sandbox $sandbox:expr;)*) => { $(
        #[test]
        fn $name() {
            $crate::comparison::both!(both, $crate::several, $app, $body);
            let (production, sandbox) = both();
            assert_eq!(production, $production, "production");
            assert_eq!(sandbox, $sandbox, "the sandbox");
        }
    )* };
}
pub(crate) use differs;
