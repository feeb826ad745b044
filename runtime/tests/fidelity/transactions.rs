//! Begin, commit, rollback and drop, at each nesting.

use sqlx::{Acquire, Connection};

use crate::comparison::same;

const ADD: &str = "insert into items (name) values ('one')";
const ADD_TWO: &str = "insert into items (name) values ('two')";
const TAKEN: &str = "insert into items (name) values ('seeded')";

same! {
    async fn a_committed_transaction_is_seen(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, "select name from items order by name"]).await;
        app.outcome(&tx.commit().await);
        app.items().await;
    }

    async fn a_rolled_back_transaction_is_not_seen(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD]).await;
        app.outcome(&tx.rollback().await);
        app.items().await;
    }

    async fn a_dropped_transaction_is_not_seen(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD]).await;
        drop(tx);
        app.items().await;
    }

    async fn every_ending_at_every_nesting_is_the_same(app) {
        for endings in 0..27_u32 {
            let mut outer = app.pool.begin().await.expect("it begins");
            app.on(&mut outer, &[&format!("insert into items (name) values ('a{endings}')")]).await;
            let mut middle = outer.begin().await.expect("it nests");
            app.on(&mut middle, &[&format!("insert into items (name) values ('b{endings}')")]).await;
            let mut inner = middle.begin().await.expect("it nests twice");
            app.on(&mut inner, &[&format!("insert into items (name) values ('c{endings}')")]).await;
            let ended = end(inner, endings % 3).await;
            app.outcome(&ended);
            app.on(&mut middle, &["select count(*)::text from items"]).await;
            app.outcome(&end(middle, endings / 3 % 3).await);
            app.on(&mut outer, &["select count(*)::text from items"]).await;
            app.outcome(&end(outer, endings / 9).await);
            app.items().await;
        }
    }

    async fn a_failure_in_a_nested_transaction_is_its_own(app) {
        let mut outer = app.pool.begin().await.expect("it begins");
        app.on(&mut outer, &[ADD]).await;
        let mut inner = outer.begin().await.expect("it nests");
        app.on(&mut inner, &[ADD_TWO, TAKEN, "select 1"]).await;
        app.outcome(&inner.rollback().await);
        app.on(&mut outer, &["select count(*)::text from items"]).await;
        app.outcome(&outer.commit().await);
        app.items().await;
    }

    async fn a_nested_commit_after_a_failure_fails(app) {
        let mut outer = app.pool.begin().await.expect("it begins");
        let mut inner = outer.begin().await.expect("it nests");
        app.on(&mut inner, &[TAKEN]).await;
        app.outcome(&inner.commit().await);
        app.on(&mut outer, &[ADD]).await;
        app.outcome(&outer.commit().await);
        app.items().await;
    }

    async fn a_failed_transaction_refuses_everything_until_it_ends(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, TAKEN, "select 1", ADD_TWO]).await;
        let nested = tx.begin().await.map(drop);
        app.outcome(&nested);
        drop(tx);
        app.items().await;
        app.run(&[ADD]).await;
        app.items().await;
    }

    async fn several_transactions_on_one_held_connection_follow_each_other(app) {
        let mut held = app.pool.acquire().await.expect("it is free");
        for round in 0..4_u32 {
            let mut tx = Connection::begin(&mut *held).await.expect("it begins");
            app.on(&mut tx, &[&format!("insert into items (name) values ('r{round}')")]).await;
            app.on(&mut tx, &[TAKEN]).await;
            drop(tx);
            let mut tx = Connection::begin(&mut *held).await.expect("it begins");
            app.on(&mut tx, &[&format!("insert into items (name) values ('s{round}')")]).await;
            app.outcome(&end(tx, round % 3).await);
        }
        drop(held);
        app.items().await;
    }

    async fn savepoints_sent_as_sql_work_inside_a_transaction(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[ADD, "savepoint mine", ADD_TWO, TAKEN, "rollback to savepoint mine"]).await;
        app.on(&mut tx, &["select name from items order by name", "release savepoint mine"]).await;
        app.on(&mut tx, &["release savepoint mine"]).await;
        app.outcome(&tx.rollback().await);
        app.items().await;
    }
}

async fn end(tx: sqlx::PgTransaction<'_>, how: u32) -> Result<(), sqlx::Error> {
    match how {
        0 => tx.commit().await,
        1 => tx.rollback().await,
        _ => {
            drop(tx);
            Ok(())
        }
    }
}
