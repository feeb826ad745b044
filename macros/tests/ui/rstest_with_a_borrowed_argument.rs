use db_test::{Client, db_test};
use rstest::rstest;

#[db_test]
#[rstest]
#[case("ada")]
async fn reads(#[case] name: &str, client: &Client) {
    drop((name, client));
}

fn main() {}
