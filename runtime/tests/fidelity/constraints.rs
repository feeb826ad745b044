//! Constraints that are checked at the end of a transaction.

use crate::comparison::same;

const BEFORE: &str = "insert into parts select max(id) + 1000000 from items";
const MENDED: &str = "delete from parts";

same! {
    async fn a_deferred_constraint_may_be_violated_for_a_while(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[BEFORE, MENDED]).await;
        app.outcome(&tx.commit().await);
        app.run(&["select count(*)::text from parts"]).await;
    }

    async fn an_immediate_check_fails_at_once(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[BEFORE, "set constraints all immediate", "select 1"]).await;
        drop(tx);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set constraints all immediate", BEFORE]).await;
        drop(tx);
        app.run(&["select count(*)::text from parts"]).await;
    }

    async fn deferring_ends_with_its_transaction(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set constraints all deferred", "update ranks set place = 2 where place = 1"]).await;
        app.on(&mut tx, &["update ranks set place = 3 where ctid = (select min(ctid) from ranks)"]).await;
        app.outcome(&tx.commit().await);
        app.run(&["insert into ranks values (3)", "select string_agg(place::text, ' ' order by place) from ranks"]).await;
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &["set constraints all immediate"]).await;
        app.outcome(&tx.commit().await);
        let mut tx = app.pool.begin().await.expect("it begins");
        app.on(&mut tx, &[BEFORE, MENDED]).await;
        app.outcome(&tx.commit().await);
    }
}
