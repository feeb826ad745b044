//! Work that is given up at any moment: by a time limit, by `select!`, by a client that hangs up.

use std::{future::poll_fn, pin::pin, task::Poll};

use db_test::{TestContext, db_test};
use futures_util::{FutureExt, TryStreamExt};
use sqlx::{Connection, PgConnection, PgPool};

use crate::content;

/// Cancellations of each test.
const ROUNDS: u64 = 600;

/// Where the moments come from; printed with what fails. `FIDELITY_SEED` gives other moments.
fn seed() -> u64 {
    let asked = std::env::var("FIDELITY_SEED").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(24301)
}

/// A small generator (`SplitMix64`) whose numbers are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// Polls a future a random number of times, or for a random time, and drops it.
async fn give_up<F: Future>(random: &mut Random, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    if random.below(3) == 0 {
        let limit = std::time::Duration::from_micros(random.below(600));
        return tokio::time::timeout(limit, future).await.ok();
    }
    let mut left = random.below(9);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn insert(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("insert into items (name) values ($1)").bind(name);
    insert.execute(connection).await.map(drop)
}

async fn stream(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut rows =
        sqlx::query("select repeat('x', n) from generate_series(1, 300) n").fetch(connection);
    while rows.try_next().await?.is_some() {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Two rows in one transaction, which are there together or not at all.
async fn transaction(
    connection: &mut PgConnection,
    round: u64,
    commits: bool,
) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    insert(&mut tx, &format!("first {round}")).await?;
    let mut nested = tx.begin().await?;
    insert(&mut nested, &format!("second {round}")).await?;
    nested.commit().await?;
    if commits {
        tx.commit().await
    } else {
        tx.rollback().await
    }
}

/// One piece of work, by a number.
async fn work(connection: &mut PgConnection, kind: u64, round: u64) -> Result<(), sqlx::Error> {
    match kind {
        0 => Connection::begin(connection).await.map(drop),
        1 => insert(connection, "seeded").await,
        2 => stream(connection).await,
        3 => transaction(connection, round, true).await,
        4 => transaction(connection, round, false).await,
        5 => sqlx::query("select 1 / 0")
            .execute(connection)
            .await
            .map(drop),
        6 => sqlx::query(sqlx::AssertSqlSafe(format!("select {round}, 'calm'::mood")))
            .fetch_all(connection)
            .await
            .map(drop),
        _ => insert(connection, &format!("single {round}")).await,
    }
}

/// What must hold after each round.
async fn check(pool: &PgPool, rounds: u64, seen: &str) {
    let kept: i64 = sqlx::query_scalar("select count(*) from items where name like 'kept %'")
        .fetch_one(pool)
        .await
        .expect(seen);
    assert_eq!(kept, i64::try_from(rounds).expect("it is small"), "{seen}");
    let halves: i64 = sqlx::query_scalar(
        "select count(*) from items a where a.name like 'first %' and not exists \
         (select from items b where b.name = replace(a.name, 'first', 'second'))",
    )
    .fetch_one(pool)
    .await
    .expect(seen);
    assert_eq!(halves, 0, "{seen}");
}

async fn keep(pool: &PgPool, round: u64, seen: &str) {
    let mut held = pool.acquire().await.expect(seen);
    insert(&mut held, &format!("kept {round}"))
        .await
        .expect(seen);
}

async fn nothing_escaped(cx: &TestContext) {
    let outside = content::of(&cx.outside().await.expect("there is an outside"))
        .await
        .join("\n");
    assert!(outside.contains("seeded"), "{outside}");
    assert!(
        !outside.contains("kept") && !outside.contains("first") && !outside.contains("single"),
        "{outside}"
    );
}

#[db_test]
async fn work_on_the_pool_given_up_at_any_moment_loses_nothing(pool: PgPool, cx: TestContext) {
    let mut random = Random(seed());
    for round in 0..ROUNDS {
        let kind = random.below(9);
        let seen = format!("seed {}, round {round}, kind {kind}", seed());
        keep(&pool, round, &seen).await;
        let on_the_pool = async {
            let mut connection = pool.acquire().await?;
            // A `begin()` that sqlx has not finished leaves its connection in a transaction, here
            // as in production.
            connection.close_on_drop();
            work(&mut connection, kind, round).await
        };
        let ended = give_up(&mut random, on_the_pool).await;
        check(&pool, round + 1, &seen).await;
        if let (Some(Ok(())), 3) = (ended, kind) {
            let name = format!("first {round}");
            let there: bool =
                sqlx::query_scalar("select exists (select from items where name = $1)")
                    .bind(name)
                    .fetch_one(&pool)
                    .await
                    .expect(&seen);
            assert!(there, "{seen}");
        }
    }
    nothing_escaped(&cx).await;
}

#[db_test]
async fn work_on_a_held_connection_given_up_at_any_moment_loses_nothing_from_before(
    pool: PgPool,
    cx: TestContext,
) {
    let mut random = Random(seed() + 1);
    for round in 0..ROUNDS / 2 {
        let kinds = [random.below(9), random.below(9)];
        let seen = format!("seed {}, round {round}, kinds {kinds:?}", seed());
        keep(&pool, round, &seen).await;
        let mut held = pool.acquire().await.expect(&seen);
        held.close_on_drop();
        for kind in kinds {
            give_up(&mut random, work(&mut held, kind, round)).await;
        }
        drop(held);
        check(&pool, round + 1, &seen).await;
    }
    nothing_escaped(&cx).await;
}

#[db_test]
async fn a_commit_and_a_rollback_given_up_at_any_moment_are_whole(pool: PgPool, cx: TestContext) {
    let mut random = Random(seed() + 2);
    for round in 0..ROUNDS / 2 {
        let seen = format!("seed {}, round {round}", seed());
        keep(&pool, round, &seen).await;
        let mut tx = pool.begin().await.expect(&seen);
        insert(&mut tx, &format!("first {round}"))
            .await
            .expect(&seen);
        insert(&mut tx, &format!("second {round}"))
            .await
            .expect(&seen);
        if round % 2 == 0 {
            give_up(&mut random, tx.commit()).await;
        } else {
            give_up(&mut random, tx.rollback()).await;
        }
        if round % 7 == 0 {
            pool.acquire().now_or_never();
        }
        check(&pool, round + 1, &seen).await;
    }
    nothing_escaped(&cx).await;
}
