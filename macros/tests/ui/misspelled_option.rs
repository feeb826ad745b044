use db_test::db_test;

#[db_test(timeuot = "5s")]
async fn starts() {}

fn main() {}
