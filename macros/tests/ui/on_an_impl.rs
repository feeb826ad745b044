use db_test::db_test;

struct Users;

#[db_test]
unsafe impl Send for Users {}

fn main() {}
