use db_test::db_test;

#[db_test(migrations = crate::DIRECTORY)]
async fn starts() {}

fn main() {}
