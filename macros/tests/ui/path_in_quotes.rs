use db_test::db_test;

#[db_test(overrides = "crate::admin")]
async fn starts() {}

fn main() {}
