use db_test::db_test;

#[db_test(timeout = "5s" overrides = admin)]
async fn starts() {}

fn main() {}
