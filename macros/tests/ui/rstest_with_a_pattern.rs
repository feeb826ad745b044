use db_test::{Client, db_test};
use rstest::rstest;

#[db_test]
#[rstest]
#[case(1)]
async fn reads(#[case] number: u8, _: Client) {
    drop(number);
}

fn main() {}
