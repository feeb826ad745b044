use db_test::db_test;

#[db_test(timeout = "5 parsecs")]
async fn starts() {}

fn main() {}
