//! `COPY`, in and out, to its end and not.

use futures_util::TryStreamExt;
use sqlx::postgres::PgPoolCopyExt;

use crate::comparison::same;

const IN: &str = "copy items (name, price) from stdin (format csv)";

same! {
    async fn copying_in_and_out_is_the_same(app) {
        let mut copy = app.pool.copy_in_raw(IN).await.expect("it starts");
        copy.send(&b"a,1\nb,2\n"[..]).await.expect("it is sent");
        copy.send(&b"c,3\n"[..]).await.expect("it is sent");
        app.see(copy.finish().await.expect("it ends").to_string());
        let out = app.pool.copy_out_raw("copy (select name, price from items order by name) to stdout").await;
        let bytes: Vec<_> = out.expect("it starts").try_collect().await.expect("it ends");
        app.see(String::from_utf8(bytes.concat()).expect("it is text"));
        app.items().await;
    }

    async fn rows_copied_in_in_many_short_pieces_and_one_long_one_arrive_whole(app) {
        let mut copy = app.pool.copy_in_raw(IN).await.expect("it starts");
        for number in 0..2000 {
            copy.send(format!("{number},{number}\n").as_bytes()).await.expect("it is sent");
        }
        let long: Vec<_> = (0..100_000).map(|number| format!("x{number},1\n")).collect();
        copy.send(long.concat().as_bytes()).await.expect("it is sent");
        app.outcome(&copy.finish().await);
        app.run(&["select count(distinct name)::text || ' ' || sum(length(name)) from items"]).await;
    }

    async fn a_copy_that_fails_leaves_nothing(app) {
        app.run(&["insert into items (name) values ('before')"]).await;
        let mut copy = app.pool.copy_in_raw(IN).await.expect("it starts");
        copy.send(&b"a,1\nseeded,2\n"[..]).await.expect("it is sent");
        app.outcome(&copy.finish().await);
        app.items().await;
        let mut copy = app.pool.copy_in_raw(IN).await.expect("it starts");
        copy.send(&b"a,1\n"[..]).await.expect("it is sent");
        app.outcome(&copy.abort("no").await);
        app.items().await;
        app.outcome(&app.pool.copy_in_raw("copy nowhere from stdin").await.map(drop));
        app.items().await;
    }

    async fn a_copy_in_a_transaction_is_rolled_back_with_it(app) {
        let mut tx = app.pool.begin().await.expect("it begins");
        let mut copy = tx.copy_in_raw(IN).await.expect("it starts");
        copy.send(&b"a,1\n"[..]).await.expect("it is sent");
        app.see(copy.finish().await.expect("it ends").to_string());
        app.on(&mut tx, &["select name from items order by name"]).await;
        drop(tx);
        app.items().await;
    }
}
