//! The pool and its connections as values: held, closed, joined, spawned, given up.

use std::time::Duration;

use futures_util::{FutureExt, TryStreamExt, future::join_all};
use sqlx::{Connection, PgPool};

use crate::comparison::{kind, same, same_with_several};

async fn add(pool: PgPool, name: String) -> String {
    let insert = sqlx::query("insert into items (name) values ($1)").bind(name);
    insert
        .execute(&pool)
        .await
        .map_or_else(|error| kind(&error), |_| "ok".to_owned())
}

same! {
    async fn a_stream_dropped_half_way_leaves_the_pool_usable(app) {
        let mut rows = sqlx::query("insert into items (name) select 'n' || n from generate_series(1, 500) n returning name")
            .fetch(&app.pool);
        for _ in 0..3 {
            rows.try_next().await.expect("it is read").expect("there is one");
        }
        drop(rows);
        app.run(&["select count(*)::text from items"]).await;
        let mut rows = sqlx::query("select 1 / (400 - n) from generate_series(1, 500) n").fetch(&app.pool);
        rows.try_next().await.ok();
        drop(rows);
        app.items().await;
    }

    async fn a_query_over_its_time_is_given_up(app) {
        for limit in [20, 5] {
            let pool = app.pool.clone();
            // The limit is looked at first: a machine that stalls does not let the answer pass.
            tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_millis(limit)) => app.see("given up"),
                _ = sqlx::query("select pg_sleep(0.2)").execute(&pool) => app.see("answered"),
            }
            app.items().await;
        }
    }

    async fn a_statement_that_nobody_waits_for_is_either_done_or_not(app) {
        sqlx::query("select name from items").fetch_all(&app.pool).now_or_never();
        app.pool.acquire().now_or_never();
        app.pool.begin().now_or_never();
        app.items().await;
    }

    async fn a_closed_pool_says_so(app) {
        app.run(&["select 'open'"]).await;
        app.pool.close().await;
        app.see(app.pool.is_closed().to_string());
        app.run(&["select 1"]).await;
        app.outcome(&app.pool.begin().await.map(drop));
    }

    async fn a_connection_taken_out_of_the_pool_works(app) {
        let mut own = app.pool.acquire().await.expect("it is free").detach();
        app.on(&mut own, &["insert into items (name) values ('one')", "select name from items order by name"]).await;
        app.outcome(&own.ping().await);
        app.outcome(&own.close().await);
    }

    async fn a_leaked_or_closed_connection_works_until_then(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        app.on(&mut held, &["insert into items (name) values ('one')"]).await;
        app.outcome(&held.close().await);
    }

    async fn a_closed_connection_is_replaced(app) {
        app.run(&["insert into items (name) values ('one')"]).await;
        let mut held = app.pool.acquire().await.expect("it is free");
        held.close_on_drop();
        app.on(&mut held, &["select 'held'"]).await;
        app.outcome(&held.close().await);
        app.items().await;
    }

    async fn a_copy_dropped_before_its_end_writes_nothing(app) {
        app.run(&["insert into items (name) values ('one')"]).await;
        let mut held = app.pool.acquire().await.expect("it is free");
        let mut copy = held.copy_in_raw("copy items (name) from stdin").await.expect("it starts");
        copy.send(&b"half\n"[..]).await.expect("it is sent");
        drop(copy);
        drop(held);
        app.items().await;
    }

    async fn a_connection_can_be_tried_for(app) {
        let held = app.pool.acquire().await.expect("it is free");
        app.see(app.pool.try_acquire().is_none().to_string());
        drop(held);
        app.items().await;
        app.see(app.pool.is_closed().to_string());
    }
}

same_with_several! {
    async fn spawned_tasks_share_the_pool(app) {
        let tasks = (0..20).map(|n| tokio::spawn(add(app.pool.clone(), format!("task {}", n % 10))));
        let mut ends: Vec<_> = join_all(tasks).await.into_iter().map(|end| end.expect("it ends")).collect();
        ends.sort();
        app.see(ends.join(" "));
        app.items().await;
    }

    async fn joined_queries_and_transactions_all_finish(app) {
        let pool = app.pool.clone();
        let transaction = async {
            let mut tx = pool.begin().await?;
            sqlx::query("insert into items (name) values ('in tx')").execute(&mut *tx).await?;
            tx.commit().await
        };
        let (one, two, three) = tokio::join!(add(pool.clone(), "one".into()), add(pool.clone(), "two".into()), transaction);
        app.see(format!("{one} {two}"));
        app.outcome(&three);
        app.items().await;
    }

    async fn a_second_connection_is_there_while_the_first_is_held(app) {
        let held = app.pool.acquire().await.expect("it is free");
        app.run(&["select 'second'"]).await;
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["insert into items (name) values ('in tx')"]).await;
        app.run(&["insert into items (name) values ('outer')"]).await;
        app.outcome(&tx.commit().await);
        drop(held);
        app.items().await;
    }
}
