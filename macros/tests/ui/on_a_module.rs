use db_test::db_test;

#[db_test]
mod users {}

fn main() {}
