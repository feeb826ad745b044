use db_test::db_test;

#[db_test(timeout = "5s", timeout = "6s")]
async fn starts() {}

fn main() {}
