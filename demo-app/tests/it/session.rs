//! A session's connections. In Python: one engine for the session, its pool checked before use.

use child::Child;
use db_test::db_test;

#[db_test]
async fn one_connection_serves_test_after_test() {
    let outcome = Child::exactly("session::inner", &["first", "second"]).run();
    outcome.assert_passed();
    let backends = outcome.said("backend");
    assert_eq!(backends[0], backends[1]);
}

#[db_test]
async fn a_connection_killed_between_tests_is_replaced_unseen() {
    let outcome = Child::exactly("session::inner", &["first", "killed", "second"]).run();
    outcome.assert_passed();
    let backends = outcome.said("backend");
    assert_ne!(backends[0], backends[1]);
}

mod inner {
    use std::sync::Mutex;

    use db_test::{BoxError, TestContext, db_test};
    use sqlx::{Connection, PgConnection, PgPool, postgres::PgConnectOptions};

    use child::{in_child, say};

    /// The connection that the first test used, and the way to a second one.
    static USED: Mutex<Option<(i32, PgConnectOptions)>> = Mutex::new(None);

    #[db_test]
    async fn first(db: PgPool, cx: TestContext) -> Result<(), BoxError> {
        let backend = backend(&db).await?;
        *USED.lock().expect("nothing panicked") = Some((backend, cx.outside().await?));
        Ok(())
    }

    /// Does nothing but in a child: in an ordinary run it would hit another test.
    #[db_test]
    async fn killed() -> sqlx::Result<()> {
        let used = USED.lock().expect("nothing panicked").take();
        let Some((backend, options)) = used.filter(|_| in_child()) else {
            return Ok(());
        };
        // Not the lane's own database: another process may take that as soon as the lane's
        // connection is gone, and turn strangers out.
        let mut outside = PgConnection::connect_with(&options.database("postgres")).await?;
        // The second argument makes the call wait for the backend's end.
        let kill = sqlx::query("select pg_terminate_backend($1, 5000)").bind(backend);
        kill.execute(&mut outside).await?;
        outside.close().await
    }

    #[db_test]
    async fn second(db: PgPool) -> sqlx::Result<()> {
        backend(&db).await.map(drop)
    }

    async fn backend(db: &PgPool) -> sqlx::Result<i32> {
        let backend = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(db)
            .await?;
        say("backend", backend);
        Ok(backend)
    }
}
