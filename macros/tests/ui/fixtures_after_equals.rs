use db_test::db_test;

#[db_test(fixtures = "users")]
async fn reads() {}

fn main() {}
