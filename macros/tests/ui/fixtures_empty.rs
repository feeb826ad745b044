use db_test::db_test;

#[db_test(fixtures())]
async fn reads() {}

fn main() {}
