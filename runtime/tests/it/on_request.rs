//! Tests that misbehave when they run as a [`child`].

mod arguments;
mod cut_off;
mod further;
mod requesting;
mod tearing_down;

use std::process::Command;

use axum::http::StatusCode;
use child::in_child;
use db_test::{Client, db_test};
use sqlx::{Executor, PgPool};

use crate::app::try_add;

#[db_test]
async fn panicking(pool: PgPool) {
    try_add(&pool, "written before a panic")
        .await
        .expect("the first is added");
    assert!(!in_child(), "panicking on request");
}

#[db_test]
async fn erring(pool: PgPool) -> Result<(), String> {
    try_add(&pool, "written before an error")
        .await
        .map_err(|error| error.to_string())?;
    if in_child() {
        Err("erring on request".to_owned())
    } else {
        Ok(())
    }
}

#[db_test(isolation = "database")]
async fn failing_in_its_own_database(pool: PgPool) {
    try_add(&pool, "committed").await.expect("it is added");
    assert!(!in_child(), "failing on request");
}

/// Leaves a connection with a task that never gives it back.
#[db_test(isolation = "database")]
async fn leaving_a_connection_in_use(pool: PgPool) {
    if in_child() {
        let held = pool.acquire().await.expect("it connects");
        tokio::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
    }
}

/// Makes what its database does not take along.
#[db_test(isolation = "database")]
async fn making_what_outlives_it(pool: PgPool) {
    if in_child() {
        for sql in [
            "create database it_left",
            "create role it_left_role",
            "alter role it_left_role set work_mem = '8MB'",
            "grant select on items to it_left_role",
        ] {
            sqlx::raw_sql(sql).execute(&pool).await.expect("it is made");
        }
    }
}

/// Ends the connection that reserves its database, and sees nothing of that.
#[db_test(isolation = "database")]
async fn losing_its_claim(pool: PgPool) {
    if in_child() {
        let others = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        sqlx::query(others).execute(&pool).await.expect("they end");
    }
}

#[db_test(timeout = "1s")]
async fn slow(pool: PgPool) {
    try_add(&pool, "written before the time is up")
        .await
        .expect("the first is added");
    if in_child() {
        sqlx::query("select pg_sleep(60)").execute(&pool).await.ok();
    }
}

#[db_test]
#[should_panic = "panicking as always"]
async fn panicking_as_expected(pool: PgPool) {
    try_add(&pool, "whatever").await.expect("it is added");
    panic!("panicking as always");
}

#[db_test]
#[expect(clippy::print_stdout, reason = "tests look for it")]
async fn printing_and_passing(client: Client) {
    println!("printed by a passing test");
    client.get("/print").await.assert_status(StatusCode::OK);
}

#[db_test]
#[expect(clippy::print_stdout, reason = "tests look for it")]
async fn printing_and_failing(client: Client) {
    println!("printed by a failing test");
    client.get("/print").await.assert_status(StatusCode::OK);
    assert!(!in_child(), "failing on request");
}

#[db_test]
async fn waiting_after_an_insert(pool: PgPool) {
    try_add(&pool, "left behind").await.expect("it is added");
    if in_child() {
        sqlx::query("select pg_sleep(60) /* waits to be killed */")
            .execute(&pool)
            .await
            .ok();
    }
}

#[db_test]
async fn waiting_after_a_commit(pool: PgPool) {
    if in_child() {
        let commit = "insert into items (name) values ('left behind'); commit";
        sqlx::raw_sql(commit)
            .execute(&pool)
            .await
            .expect("it is committed");
        sqlx::query("select pg_sleep(60) /* waits to be killed */")
            .execute(&pool)
            .await
            .ok();
    }
}

#[db_test]
async fn broken_in_mid_query(pool: PgPool) {
    if in_child() {
        let suicide = "select pg_terminate_backend(pg_backend_pid())";
        sqlx::query(suicide)
            .execute(&pool)
            .await
            .expect("it does not come back");
    }
}

#[db_test]
async fn broken_before(pool: PgPool) {
    try_add(&pool, "whole").await.expect("it is added");
}

#[db_test]
async fn killing_a_server(pool: PgPool) {
    if in_child() {
        let directory: String = sqlx::query_scalar("show data_directory")
            .fetch_one(&pool)
            .await
            .expect("it is shown");
        let file = std::fs::read_to_string(format!("{directory}/postmaster.pid")).expect("it runs");
        let process = file
            .lines()
            .next()
            .expect("the first line is the process id");
        let killed = Command::new("kill").args(["-9", process]).status();
        assert!(killed.expect("there is a program for that").success());
        // Its children notice a moment later; until then they answer.
        while sqlx::query("select 1").execute(&pool).await.is_ok() {}
    }
}

#[db_test]
async fn killing_b_is_survived(pool: PgPool) {
    try_add(&pool, "after the death of the server")
        .await
        .expect("it is added");
}

#[db_test]
async fn failing_in_a_transaction(pool: PgPool) {
    try_add(&pool, "committed").await.expect("it is added");
    let mut tx = pool.begin().await.expect("it begins");
    let insert = "insert into items (name) values ('not committed')";
    tx.execute(insert).await.expect("it is inserted");
    assert!(!in_child(), "failing on request");
}

#[db_test(timeout = "100ms")]
async fn blocking_its_thread() {
    if in_child() {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
