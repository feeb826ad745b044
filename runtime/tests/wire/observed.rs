//! The tests that are watched. In an ordinary run they are ordinary tests.

use axum::http::StatusCode;
use db_test::{Client, Overrides, db_test};
use sqlx::PgPool;

/// A user is added in a transaction, looked for, and listed.
async fn three_requests(client: Client) {
    let added = client.post("/users").json(&"ada@example.com").await;
    added.assert_status(StatusCode::CREATED);
    client.get("/users/ada@example.com").await.assert_json(&1);
    let listed = client.get("/users").await;
    listed.assert_json(&vec!["ada@example.com".to_owned()]);
}

/// The same test several times: the first prepares the statements, and the last is between two
/// others.
mod alike {
    use super::{Client, db_test, three_requests};

    #[db_test]
    async fn first(client: Client) {
        three_requests(client).await;
    }

    #[db_test]
    async fn second(client: Client) {
        three_requests(client).await;
    }

    #[db_test]
    async fn third(client: Client) {
        three_requests(client).await;
    }
}

#[db_test]
async fn takes_nothing() {}

#[db_test]
async fn takes_overrides(overrides: Overrides) {
    overrides.set(1_u8);
}

#[db_test]
async fn asks_only_for_health(client: Client) {
    client.get("/health").await.assert_text("well");
}

#[db_test]
async fn asks_nothing(pool: PgPool) -> Result<(), sqlx::Error> {
    drop(pool.acquire().await?);
    drop(pool.acquire().await?);
    Ok(())
}
