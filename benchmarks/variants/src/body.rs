//! What every test does.

use std::{
    process,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::StatusCode;
use axum_test::TestServer;
use sqlx::{Connection, PgConnection};

use crate::app::{Draft, Filter, Note, app};

/// Three requests: a note is written in a transaction, read, and listed.
pub async fn three_requests(client: &TestServer) {
    let author = unique_author();
    let draft = Draft {
        author: author.clone(),
        text: "The Analytical Engine weaves algebraical patterns.".to_owned(),
    };
    let created = client.post("/notes").json(&draft).await;
    created.assert_status(StatusCode::CREATED);
    let id = created.json::<Note>().id;

    let shown = client.get(&format!("/notes/{id}")).await;
    shown.assert_status_ok();
    assert_eq!(shown.json::<Note>().author, author);

    let listed = client
        .get("/notes")
        .add_query_params(&Filter { author })
        .await;
    listed.assert_status_ok();
    assert_eq!(listed.json::<Vec<Note>>().len(), 1);
}

/// The same through the application around a pool.
pub async fn three_requests_on(pool: sqlx::PgPool) {
    three_requests(&client(pool)).await;
}

/// The statements of the three requests, without HTTP and without a pool.
pub async fn bare_statements(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let author = unique_author();
    let insert = "insert into notes (author, text) values ($1, $2) returning id, author, text";
    let mut tx = connection.begin().await?;
    let created: Note = sqlx::query_as(insert)
        .bind(&author)
        .bind("The Analytical Engine weaves algebraical patterns.")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;

    let shown: Note = sqlx::query_as("select id, author, text from notes where id = $1")
        .bind(created.id)
        .fetch_one(&mut *connection)
        .await?;
    assert_eq!(shown.author, author);

    let list = "select id, author, text from notes where author = $1 order by id";
    let listed: Vec<Note> = sqlx::query_as(list)
        .bind(author)
        .fetch_all(&mut *connection)
        .await?;
    assert_eq!(listed.len(), 1);
    Ok(())
}

/// A client of the application around a pool, made as db-test makes its own.
pub fn client(pool: sqlx::PgPool) -> TestServer {
    TestServer::builder()
        .mock_transport()
        .save_cookies()
        .build(app(pool))
}

/// An author that no other test has, in this run or another: the floor rolls nothing back.
fn unique_author() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_nanos());
    format!("{}-{now}-{count}@example.com", process::id())
}
