use db_test::db_test;

#[db_test(migrator = crate::MIGRATOR)]
async fn starts() {}

fn main() {}
