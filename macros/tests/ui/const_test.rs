use db_test::db_test;

#[db_test]
const async fn starts() {}

fn main() {}
