//! What the tests of the soak do: each starts by looking for traces of others, then misbehaves.
//! They do so in the storm's processes only: elsewhere a busy machine would bring them over their
//! short limit.

use std::{
    hash::{BuildHasher, RandomState},
    io::Write,
    time::Duration,
};

use child::in_child;
use db_test::db_test;
use sqlx::{Connection, PgPool};

/// What a test prints when it sees anything that another one did. The storm looks for it.
pub(crate) const TRACE: &str = "A TRACE OF ANOTHER TEST";

/// The state that every test starts from, as one text.
const STATE: &str = "select string_agg(name, ',' order by name) || '/' || (select count(*) from parts) || '/' \
     || (select count(*) from pg_class where relnamespace = 'public'::regnamespace) from items";

async fn look(pool: &PgPool) {
    let state: Option<String> = sqlx::query_scalar(STATE)
        .fetch_one(pool)
        .await
        .expect("it can be read");
    if state.as_deref() != Some("seeded/1/7") {
        // Past libtest's capture, which hides what a test that passes prints.
        writeln!(std::io::stderr(), "{TRACE}: {state:?}").expect("it is written");
    }
}

/// A random number below a limit.
fn dice(limit: u64) -> u64 {
    RandomState::new().hash_one(0) % limit
}

async fn insert(pool: &PgPool, name: &str) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into items (name) values ($1)")
        .bind(name)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// Statements that no test should send.
const STATEMENTS: [&str; 9] = [
    "insert into items (name) values ('escaped'); commit",
    "commit; begin; delete from parts",
    "rollback; insert into items (name) values ('autocommitted')",
    "alter table items add column extra int; create table more (id int)",
    "truncate items cascade",
    "drop table parts",
    "select pg_advisory_lock(1); select pg_advisory_unlock_all()",
    "select pg_terminate_backend(pg_backend_pid())",
    "create type mood as enum ('sad'); create temp table t (m mood)",
];

/// One misdeed. A few end the whole process.
async fn misbehave(pool: &PgPool) {
    match dice(20) {
        0 => panic!("at random"),
        1 => pool.close().await,
        2 => drop(pool.acquire().await.map(sqlx::pool::PoolConnection::detach)),
        3 => leak_a_task(pool.clone()),
        4 => tokio::time::sleep(Duration::from_millis(700)).await,
        5 if dice(30) == 0 => std::process::abort(),
        6 => std::mem::forget(pool.begin().await),
        7..=11 => cancel(pool).await,
        _ => {
            let statement = STATEMENTS[usize::try_from(dice(9)).unwrap_or_default()];
            sqlx::raw_sql(statement).execute(pool).await.ok();
        }
    }
}

/// Cancels whatever a transaction is doing at a random moment.
async fn cancel(pool: &PgPool) {
    let work = async {
        let mut tx = pool.begin().await?;
        let mut inner = tx.begin().await?;
        sqlx::query("insert into items (name) values ('cancelled')")
            .execute(&mut *inner)
            .await?;
        inner.commit().await?;
        tx.commit().await
    };
    tokio::time::timeout(Duration::from_micros(dice(2000)), work)
        .await
        .ok();
}

/// Goes on writing after its test.
fn leak_a_task(pool: PgPool) {
    tokio::spawn(async move {
        for number in 0.. {
            if insert(&pool, &format!("leaked {number}")).await.is_err() {
                break;
            }
        }
    });
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[db_test(timeout = "500ms")]
        async fn $name(pool: PgPool) {
            if in_child() {
                look(&pool).await;
                insert(&pool, "mine").await.expect("it is added");
                for _ in 0..=dice(3) {
                    misbehave(&pool).await;
                }
            }
        }
    )*};
}

tests! {
    a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20
    b01 b02 b03 b04 b05 b06 b07 b08 b09 b10 b11 b12 b13 b14 b15 b16 b17 b18 b19 b20
}

#[db_test(isolation = "database")]
async fn in_a_database_of_its_own(pool: PgPool) {
    if in_child() {
        look(&pool).await;
        insert(&pool, "committed").await.expect("it is added");
        leak_a_task(pool.clone());
        misbehave(&pool).await;
    }
}
