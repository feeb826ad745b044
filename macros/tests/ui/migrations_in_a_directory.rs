use db_test::db_test;

#[db_test(migrations = "db/migrations")]
async fn reads() {}

fn main() {}
