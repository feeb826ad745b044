use db_test::db_test;

#[db_test]
async fn starts(arguments: ...) {}

fn main() {}
