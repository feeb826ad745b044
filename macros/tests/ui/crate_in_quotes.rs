use db_test::db_test;

#[db_test(crate = "support::db_test")]
async fn starts() {}

#[db_test(crate = 5)]
async fn starts_again() {}

fn main() {}
