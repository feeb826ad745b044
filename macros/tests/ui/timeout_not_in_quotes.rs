use db_test::db_test;

#[db_test(timeout = LIMIT)]
async fn starts() {}

fn main() {}
