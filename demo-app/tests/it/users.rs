//! Registration.

use axum::http::StatusCode;
use db_test::{Client, db_test};
use serde_json::json;
use sqlx::PgPool;

#[db_test]
async fn a_user_is_created(client: Client) {
    let ada = json!({ "email": "ada@example.com", "name": "Ada" });
    let response = client.post("/users").json(&ada).await;
    response.assert_status(StatusCode::CREATED);
    response.assert_json_contains(&ada);
}

#[db_test]
async fn a_taken_address_is_a_conflict(client: Client) {
    let ada = json!({ "email": "ada@example.com", "name": "Ada" });
    client
        .post("/users")
        .json(&ada)
        .await
        .assert_status(StatusCode::CREATED);
    client
        .post("/users")
        .json(&ada)
        .await
        .assert_status(StatusCode::CONFLICT);
}

#[db_test]
async fn the_test_goes_on_after_a_conflict(client: Client) {
    let taken = json!({ "email": "test@example.com", "name": "Somebody else" });
    client
        .post("/users")
        .json(&taken)
        .await
        .assert_status(StatusCode::CONFLICT);
    // In a bare transaction this would be `current transaction is aborted` (25P02).
    let free = json!({ "email": "ada@example.com", "name": "Ada" });
    client
        .post("/users")
        .json(&free)
        .await
        .assert_status(StatusCode::CREATED);
}

#[db_test]
async fn an_address_is_stored_in_lower_case(client: Client, db: PgPool) -> sqlx::Result<()> {
    let ada = json!({ "email": " Ada@Example.COM", "name": "Ada" });
    client
        .post("/users")
        .json(&ada)
        .await
        .assert_status(StatusCode::CREATED);
    let stored: String = sqlx::query_scalar("select email from users where name = 'Ada'")
        .fetch_one(&db)
        .await?;
    assert_eq!(stored, "ada@example.com");
    Ok(())
}

#[db_test]
async fn an_invalid_address_is_refused_with_the_rule(client: Client) {
    let response = client
        .post("/users")
        .json(&json!({ "email": "ada", "name": "Ada" }))
        .await;
    response.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
    response.assert_text_contains("email: an e-mail address has the form");
}

#[db_test]
async fn a_name_of_two_lines_is_refused(client: Client) {
    let ada = json!({ "email": "ada@example.com", "name": "Ada\nLovelace" });
    let response = client.post("/users").json(&ada).await;
    response.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
}
