use db_test::db_test;

#[db_test]
struct Users;

fn main() {}
