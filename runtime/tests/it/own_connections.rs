//! Applications that make their own pools and connections are in the test's transaction as well.

use db_test::{TestContext, db_test};
use sqlx::{
    Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::app::{names, try_add};

#[db_test]
async fn a_pool_is_one_of_production(pool: PgPool) {
    let options = PgPoolOptions::new();
    let made = pool.options();
    assert_eq!(made.get_max_connections(), options.get_max_connections());
    assert_eq!(made.get_acquire_timeout(), options.get_acquire_timeout());
    // No test lasts as long as production's limits, and either of them would cost each test a task.
    assert_eq!(made.get_max_lifetime(), None);
    assert_eq!(made.get_idle_timeout(), None);
    let all = futures_util::future::join_all((0..10).map(|_| pool.acquire())).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(pool.try_acquire().is_none(), "all ten are held");
}

#[db_test]
async fn an_application_makes_its_own_pool_by_url(cx: TestContext, pool: PgPool) {
    let url = cx.url().await.expect("there is one");
    let own = PgPool::connect(&url).await.expect("it connects");
    try_add(&own, "through its own pool")
        .await
        .expect("it is added");
    assert_eq!(names(&pool).await, ["seeded", "through its own pool"]);
}

#[db_test]
async fn an_application_makes_its_own_pool_by_options(
    options: PgConnectOptions,
    pool_options: PgPoolOptions,
    pool: PgPool,
) {
    let own = pool_options
        .connect_with(options)
        .await
        .expect("it connects");
    try_add(&own, "through its own pool")
        .await
        .expect("it is added");
    assert_eq!(names(&pool).await, ["seeded", "through its own pool"]);
}

#[db_test]
async fn the_next_test_sees_nothing_of_it(cx: TestContext) {
    let options = cx.connect_options().expect("the session has started");
    let mut connection = PgConnection::connect_with(&options)
        .await
        .expect("it connects");
    let count: i64 = sqlx::query_scalar("select count(*) from items")
        .fetch_one(&mut connection)
        .await
        .expect("they are counted");
    assert_eq!(count, 1);
}

#[db_test]
async fn the_url_has_the_real_names(cx: TestContext, pool: PgPool) {
    let url: PgConnectOptions = cx
        .url()
        .await
        .expect("there is one")
        .parse()
        .expect("it is a URL");
    let real: (String, String) =
        sqlx::query_as("select current_user::text, current_database()::text")
            .fetch_one(&pool)
            .await
            .expect("there is an answer");
    let named = (
        url.get_username().to_owned(),
        url.get_database().unwrap_or_default().to_owned(),
    );
    assert_eq!(named, real);
}

#[db_test]
async fn connections_are_closed_detached_and_replaced(pool: PgPool) {
    for round in 0..3 {
        let held = pool.acquire().await.expect("it is free");
        let mut detached = held.detach();
        let name = format!("item {round}");
        let insert = sqlx::query("insert into items (name) values ($1)").bind(&name);
        insert.execute(&mut detached).await.expect("it is added");
        detached.close().await.expect("it closes");
    }
    let mut held = pool.acquire().await.expect("it is free");
    held.close_on_drop();
    drop(held);
    assert_eq!(names(&pool).await.len(), 4);
}

#[db_test]
async fn a_request_may_use_the_pool_while_its_transaction_is_open(pool: PgPool) {
    let mut tx = pool.begin().await.expect("it begins");
    sqlx::query("insert into items (name) values ('inner')")
        .execute(&mut *tx)
        .await
        .expect("it is added");
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(&pool)
        .await
        .expect("it is there");
    tx.commit().await.expect("it commits");
    assert_eq!((one, names(&pool).await.len()), (1, 2));
}

#[db_test]
async fn a_listener_receives_what_is_committed(pool: PgPool) {
    let mut listener = PgListener::connect_with(&pool).await.expect("it connects");
    listener.listen("news").await.expect("it listens");
    let mut tx = pool.begin().await.expect("it begins");
    sqlx::query("notify news, 'hello'")
        .execute(&mut *tx)
        .await
        .expect("it notifies");
    tx.commit().await.expect("it commits");
    let received = listener.recv().await.expect("it is delivered");
    assert_eq!((received.channel(), received.payload()), ("news", "hello"));
}

/// Whether a trigger of the test's own notifies; it may only be created by who owns the table.
async fn receives_from_a_trigger(pool: PgPool) {
    let trigger = "create function tell() returns trigger language plpgsql as $$ begin \
         perform pg_notify('news', new.name); return new; end $$; \
         create trigger tell after insert on items for each row execute function tell()";
    sqlx::raw_sql(trigger)
        .execute(&pool)
        .await
        .expect("it is created");
    let mut listener = PgListener::connect_with(&pool).await.expect("it connects");
    listener.listen("news").await.expect("it listens");
    let mut tx = pool.begin().await.expect("it begins");
    sqlx::query("insert into items (name) values ('undone')")
        .execute(&mut *tx)
        .await
        .expect("it is added");
    tx.rollback().await.expect("it rolls back");
    try_add(&pool, "mine").await.expect("it is added");
    let received = listener.recv().await.expect("it is delivered");
    assert_eq!((received.channel(), received.payload()), ("news", "mine"));
}

#[db_test]
async fn a_listener_receives_what_a_trigger_says(pool: PgPool) {
    receives_from_a_trigger(pool).await;
}

#[db_test(isolation = "database")]
async fn a_listener_receives_it_in_a_database_of_its_own(pool: PgPool) {
    receives_from_a_trigger(pool).await;
}

#[db_test]
async fn a_statement_over_its_time_limit_fails_alone(pool: PgPool) {
    let mut held = pool.acquire().await.expect("it is free");
    held.execute("set statement_timeout = '500ms'")
        .await
        .expect("it is set");
    let slow = held.execute("select pg_sleep(60)").await;
    slow.expect_err("it takes too long");
    held.execute("select 1").await.expect("it goes on");
    assert_eq!(names(&pool).await, ["seeded"]);
}
