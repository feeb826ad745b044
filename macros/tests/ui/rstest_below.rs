use db_test::{Client, db_test};

#[db_test]
#[rstest::rstest]
async fn reads(client: Client) {
    drop(client);
}

fn main() {}
