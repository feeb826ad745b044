use db_test::db_test;

#[db_test(fixtures(path = "fixtures"))]
async fn reads() {}

fn main() {}
