//! Snapshots with insta.

use db_test::{Client, db_test};

#[db_test(fixtures("users", "posts"))]
async fn the_list_looks_as_it_did(client: Client) {
    let posts = client.get("/posts").await.text();
    insta::assert_snapshot!(posts, @r#"["On engines"]"#);
}
