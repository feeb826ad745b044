use db_test::db_test;

#[db_test(migrations = false)]
async fn reads() {}

fn main() {}
