use db_test::db_test;

#[db_test(flavour = "current_thread")]
async fn starts() {}

fn main() {}
