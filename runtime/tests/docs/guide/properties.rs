//! Property tests: every case from the same start.

use db_test::{BoxError, Client, TestContext, db_test};
use proptest::{prop_assert_eq, test_runner::TestRunner};

use super::arguments::Author;

#[db_test]
async fn a_title_comes_back_as_it_was(
    cx: TestContext,
    author: Author,
    client: Client,
) -> Result<(), BoxError> {
    let posts = format!("/users/{}/posts", author.id);
    let start = cx.savepoint().await?;
    TestRunner::default().run(&"[^\0]{1,20}", |title| {
        start.case(async {
            client.post(&posts).json(&title).await;
            let listed: Vec<String> = client.get("/posts").await.json();
            prop_assert_eq!(listed, [title]);
            Ok(())
        })
    })?;
    Ok(())
}
