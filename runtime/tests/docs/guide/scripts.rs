//! Fixtures in SQL.

use db_test::{Client, db_test};

#[db_test(fixtures("users", "posts"))]
async fn a_script_has_written_a_post(client: Client) {
    let posts: Vec<String> = client.get("/posts").await.json();
    assert_eq!(posts, ["On engines"]);
}
