//! Tables of cases with rstest.

use axum::http::StatusCode;
use db_test::{Client, db_test};
use rstest::{fixture, rstest};

use super::arguments::Author;

#[db_test]
#[rstest]
#[case::a_title("On engines", StatusCode::CREATED)]
#[case::no_title("", StatusCode::UNPROCESSABLE_ENTITY)]
async fn a_post_needs_a_title(
    #[case] title: &str,
    #[case] status: StatusCode,
    author: Author,
    client: Client,
) {
    let posts = format!("/users/{}/posts", author.id);
    let response = client.post(&posts).json(&title).await;
    response.assert_status(status);
}

#[fixture]
fn title() -> String {
    "On notes".to_owned()
}

#[rstest]
#[db_test::test]
async fn rstest_may_stand_first(title: String, #[ignore] author: Author, #[ignore] client: Client) {
    let posts = format!("/users/{}/posts", author.id);
    let response = client.post(&posts).json(&title).await;
    response.assert_status(StatusCode::CREATED);
}
