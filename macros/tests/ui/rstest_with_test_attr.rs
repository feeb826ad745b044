use db_test::{Client, db_test};
use rstest::rstest;

#[db_test]
#[rstest]
#[test_attr(db_test)]
async fn reads(client: Client) {
    drop(client);
}

fn main() {}
