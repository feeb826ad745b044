use db_test::db_test;

#[db_test(timeout = "0s")]
async fn starts() {}

fn main() {}
