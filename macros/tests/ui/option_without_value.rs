use db_test::db_test;

#[db_test(timeout =)]
async fn starts() {}

fn main() {}
