//! Drivers that know nothing of db-test, by the URL of a test: what they commit is rolled back with
//! it.

use db_test::{TestContext, db_test};
use sqlx::PgPool;

async fn names(pool: &PgPool) -> Vec<String> {
    let names = sqlx::query_scalar("select name from users order by name");
    names.fetch_all(pool).await.expect("they are read")
}

mod tokio_postgres {
    use futures_util::{SinkExt, pin_mut};
    use tokio_postgres::{Client, IsolationLevel, NoTls};

    use super::{PgPool, TestContext, db_test, names};

    async fn connect(cx: &TestContext) -> Client {
        let url = cx.url().await.expect("there is one");
        let (client, connection) = tokio_postgres::connect(&url, NoTls)
            .await
            .expect("it connects");
        tokio::spawn(connection);
        client
    }

    #[db_test]
    async fn transactions_pipelines_portals_and_copies(cx: TestContext, pool: PgPool) {
        let mut client = connect(&cx).await;
        let build = client
            .build_transaction()
            .isolation_level(IsolationLevel::Serializable);
        let tx = build.start().await.expect("it begins");
        let insert = "insert into users (name, password) values ($1, '')";
        tx.execute(insert, &[&"ada"]).await.expect("it is added");
        tx.commit().await.expect("it commits");

        let (one, two, failed) = tokio::join!(
            client.query_one("select 1::int4", &[]),
            client.query_one("select $1::int4", &[&2_i32]),
            client.query("select 1 / 0", &[]),
        );
        assert_eq!(one.expect("it is one").get::<_, i32>(0), 1);
        assert_eq!(two.expect("it is two").get::<_, i32>(0), 2);
        failed.expect_err("nothing is divided by zero");

        let tx = client.transaction().await.expect("it begins");
        let statement = tx
            .prepare("select generate_series(1, 10)")
            .await
            .expect("it is prepared");
        let portal = tx.bind(&statement, &[]).await.expect("it is bound");
        for expected in [4, 4, 2] {
            let rows = tx.query_portal(&portal, 4).await.expect("there are some");
            assert_eq!(rows.len(), expected);
        }
        drop(tx);

        let sink = client
            .copy_in("copy users (name, password) from stdin")
            .await
            .expect("it starts");
        pin_mut!(sink);
        sink.send(bytes::Bytes::from_static(b"bob\t\n"))
            .await
            .expect("it is sent");
        assert_eq!(sink.finish().await.expect("it ends"), 1);
        assert_eq!(names(&pool).await, ["ada", "bob"]);
    }

    #[db_test]
    async fn a_client_that_leaves_in_the_middle_leaves_nothing(cx: TestContext, pool: PgPool) {
        let client = connect(&cx).await;
        let begin = "begin; insert into users (name, password) values ('gone', '')";
        client.batch_execute(begin).await.expect("it is added");
        drop(client);
        assert!(names(&pool).await.is_empty());
    }

    #[db_test]
    async fn a_statement_is_cancelled(cx: TestContext) {
        let client = connect(&cx).await;
        let token = client.cancel_token();
        let cancelling = async {
            // Until it runs, there is nothing to cancel.
            loop {
                token.cancel_query(NoTls).await.expect("it is asked");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let slow = tokio::select! {
            ended = client.batch_execute("select pg_sleep(60)") => ended,
            () = cancelling => unreachable!("it goes on for ever"),
        };
        let error = slow.expect_err("it is cancelled");
        assert_eq!(error.code().expect("the server says so").code(), "57014");
    }
}

mod diesel_async {
    use diesel::prelude::*;
    use diesel_async::{
        AsyncConnection, AsyncPgConnection, RunQueryDsl, scoped_futures::ScopedFutureExt,
    };

    use super::{PgPool, TestContext, db_test, names};

    diesel::table! {
        users (id) {
            id -> BigInt,
            name -> Text,
            password -> Text,
        }
    }

    #[db_test]
    async fn nested_transactions_roll_back_alone(cx: TestContext, pool: PgPool) {
        let url = cx.url().await.expect("there is one");
        let mut connection = AsyncPgConnection::establish(&url)
            .await
            .expect("it connects");
        let added = connection.transaction::<_, diesel::result::Error, _>(|connection| {
            async move {
                diesel::insert_into(users::table)
                    .values((users::name.eq("ada"), users::password.eq("")))
                    .execute(connection)
                    .await?;
                let nested = connection.transaction::<(), diesel::result::Error, _>(|connection| {
                    async move {
                        let failing = diesel::sql_query("select 1 / 0");
                        failing.execute(connection).await.map(drop)
                    }
                    .scope_boxed()
                });
                nested.await.expect_err("nothing is divided by zero");
                Ok(())
            }
            .scope_boxed()
        });
        added.await.expect("it commits");
        let count = users::table.count().get_result::<i64>(&mut connection);
        assert_eq!(count.await.expect("they are counted"), 1);
        assert_eq!(names(&pool).await, ["ada"]);
    }
}

mod sqlx_08 {
    use super::{PgPool, TestContext, db_test, names};

    #[db_test]
    async fn a_pool_of_an_older_sqlx(cx: TestContext, pool: PgPool) {
        let url = cx.url().await.expect("there is one");
        let older = sqlx_08::PgPool::connect(&url).await.expect("it connects");
        let mut tx = older.begin().await.expect("it begins");
        sqlx_08::query("insert into users (name, password) values ($1, '')")
            .bind("ada")
            .execute(&mut *tx)
            .await
            .expect("it is added");
        let held = older.acquire().await.expect("there is a second connection");
        tx.commit().await.expect("it commits");
        drop(held);
        sqlx_08::query("select 1 / 0")
            .execute(&older)
            .await
            .expect_err("it fails alone");
        assert_eq!(names(&pool).await, ["ada"]);
    }
}

mod psql {
    use std::process::Command;

    use super::{PgPool, TestContext, db_test, names};

    #[db_test]
    async fn a_program_of_its_own(cx: TestContext, pool: PgPool) {
        let url = cx.url().await.expect("there is one");
        let running = move || {
            let script = "begin; insert into users (name, password) values ('ada', ''); commit;";
            Command::new("psql")
                .args(["--no-psqlrc", "-d", &url, "-c", script])
                .output()
        };
        let ran = tokio::task::spawn_blocking(running)
            .await
            .expect("it does not panic");
        // Machines without it are those whose server is elsewhere.
        let Ok(output) = ran else { return };
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(names(&pool).await, ["ada"]);
    }
}
