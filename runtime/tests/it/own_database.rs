//! `isolation = "database"`: several connections, and commits that are real.

use db_test::{Client, db_test};
use sqlx::{PgPool, postgres::PgConnectOptions, postgres::PgListener};

use crate::app::{names, try_add};

#[db_test(isolation = "database")]
async fn what_one_connection_commits_another_sees(pool: PgPool) {
    let mut one = pool.begin().await.expect("it begins");
    let mut two = pool.acquire().await.expect("there is a second connection");
    sqlx::query("insert into items (name) values ('new')")
        .execute(&mut *one)
        .await
        .expect("inserted");
    let count = "select count(*) from items";
    let before: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut *two)
        .await
        .expect("counted");
    one.commit().await.expect("it commits");
    let after: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut *two)
        .await
        .expect("counted");
    assert_eq!((before, after), (1, 2));
}

#[db_test(isolation = "database")]
async fn a_database_of_its_own_starts_from_the_seed(pool: PgPool, client: Client) {
    try_add(&pool, "mine").await.expect("it is added");
    client
        .get("/items")
        .await
        .assert_json(&["seeded", "mine"].map(String::from));
}

#[db_test(isolation = "database")]
async fn notifications_are_delivered(pool: PgPool) {
    let mut listener = PgListener::connect_with(&pool).await.expect("it connects");
    listener.listen("news").await.expect("it listens");
    sqlx::query("notify news, 'hello'")
        .execute(&pool)
        .await
        .expect("it notifies");
    assert_eq!(
        listener.recv().await.expect("it is delivered").payload(),
        "hello"
    );
}

#[db_test(isolation = "database")]
async fn a_serializable_transaction_can_begin(pool: PgPool) {
    let tx = pool.begin_with("begin isolation level serializable").await;
    tx.expect("it is the top level")
        .commit()
        .await
        .expect("it commits");
}

#[db_test(isolation = "database")]
async fn an_application_may_make_its_own_pool(options: PgConnectOptions, pool: PgPool) {
    let own = PgPool::connect_with(options).await.expect("it connects");
    try_add(&own, "through its own pool")
        .await
        .expect("it is added");
    assert_eq!(names(&pool).await, ["seeded", "through its own pool"]);
}
