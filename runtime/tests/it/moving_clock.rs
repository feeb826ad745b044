//! `now()` within a test, on a server where db-test may say what it shows.

use std::time::Duration;

use db_test::{Session, db_test};
use sqlx::{PgPool, postgres::PgConnectOptions};

fn with_defaults() -> Session {
    Session::postgres().seed_sql(
        "create table jobs (id int, made_at timestamptz not null default now()); \
         create table marks (at timestamptz); \
         create function mark() returns trigger language plpgsql as $$ \
         begin insert into marks values (transaction_timestamp()); return new; end $$; \
         create trigger mark after insert on jobs for each row execute function mark()",
    )
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[db_test(session = with_defaults)]
async fn it_moves_from_statement_to_statement(pool: PgPool) -> sqlx::Result<()> {
    for id in 1..=3 {
        let insert = sqlx::query("insert into jobs (id) values ($1)");
        insert.bind(id).execute(&pool).await?;
        pause().await;
    }
    let in_order = "select array_agg(id order by made_at) = '{1,2,3}' \
                    and count(distinct made_at) = 3 and max(made_at) < now() from jobs";
    assert!(
        sqlx::query_scalar::<_, bool>(in_order)
            .fetch_one(&pool)
            .await?
    );
    Ok(())
}

#[db_test(session = with_defaults)]
async fn it_stands_still_within_a_transaction(pool: PgPool) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let began: String = sqlx::query_scalar("select now()::text")
        .fetch_one(&mut *tx)
        .await?;
    pause().await;
    sqlx::query("insert into jobs (id) values (1)")
        .execute(&mut *tx)
        .await?;
    let mut nested = sqlx::Acquire::begin(&mut *tx).await?;
    sqlx::query("insert into jobs (id) values (2)")
        .execute(&mut *nested)
        .await?;
    nested.rollback().await?;
    pause().await;
    sqlx::query("insert into jobs (id) values (3)")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;

    let same = "select count(*) = 2 and min(made_at) = max(made_at) and min(made_at) = $1::timestamptz \
                and min(made_at) = all (select at from marks) and max(made_at) < now() from jobs";
    let same = sqlx::query_scalar::<_, bool>(same)
        .bind(began)
        .fetch_one(&pool)
        .await?;
    assert!(same);
    Ok(())
}

#[db_test(session = with_defaults)]
async fn it_is_each_connections_own(pool: PgPool) -> sqlx::Result<()> {
    let now = "select extract(epoch from now())::float8";
    let mut first = pool.begin().await?;
    let began: f64 = sqlx::query_scalar(now).fetch_one(&mut *first).await?;
    pause().await;
    let between: f64 = sqlx::query_scalar(now).fetch_one(&pool).await?;
    let still: f64 = sqlx::query_scalar(now).fetch_one(&mut *first).await?;
    first.rollback().await?;
    let after: f64 = sqlx::query_scalar(now).fetch_one(&pool).await?;
    assert!(began < between && still.to_bits() == began.to_bits() && between < after);
    Ok(())
}

#[db_test(session = with_defaults)]
async fn it_goes_on_after_a_reset(pool: PgPool) -> sqlx::Result<()> {
    let mut held = pool.acquire().await?;
    sqlx::raw_sql("begin; reset all; commit")
        .execute(&mut *held)
        .await?;
    sqlx::raw_sql("discard all").execute(&mut *held).await?;
    let now = "select (now() - statement_timestamp() = '0')::bool";
    assert!(
        sqlx::query_scalar::<_, bool>(now)
            .fetch_one(&mut *held)
            .await?
    );
    Ok(())
}

#[db_test(session = with_defaults)]
async fn it_is_near_the_time_of_this_machine(pool: PgPool) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let off = "select abs(extract(epoch from clock_timestamp() - now()))::float8";
    let off: f64 = sqlx::query_scalar(off).fetch_one(&mut *tx).await?;
    assert!(off < 5.0, "{off}");
    Ok(())
}

#[db_test(session = with_defaults, isolation = "database")]
async fn it_is_the_servers_own_in_a_database_of_ones_own(
    options: PgConnectOptions,
) -> sqlx::Result<()> {
    let pool = PgPool::connect_with(options).await?;
    let mut tx = pool.begin().await?;
    sqlx::query("select 1").execute(&mut *tx).await?;
    pause().await;
    let same = "select now() = current_timestamp and now() = transaction_timestamp() and now() < statement_timestamp()";
    assert!(
        sqlx::query_scalar::<_, bool>(same)
            .fetch_one(&mut *tx)
            .await?
    );
    Ok(())
}

#[db_test(session = with_defaults)]
async fn a_plan_shows_the_call(pool: PgPool) -> sqlx::Result<()> {
    let plan = "explain (costs off) select * from jobs where made_at < now()";
    let plan: Vec<String> = sqlx::query_scalar(plan).fetch_all(&pool).await?;
    assert!(
        plan.iter()
            .any(|line| line.trim() == "Filter: (made_at < now())"),
        "{plan:?}"
    );
    Ok(())
}
