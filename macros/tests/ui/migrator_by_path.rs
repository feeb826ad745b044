use db_test::db_test;

#[db_test(migrator = "my_crate::MIGRATOR")]
async fn reads() {}

fn main() {}
