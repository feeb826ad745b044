use db_test::db_test;

#[db_test(fixtures(scripts("users")))]
async fn reads() {}

fn main() {}
