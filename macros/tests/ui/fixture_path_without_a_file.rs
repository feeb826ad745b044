use db_test::db_test;

#[db_test(fixtures("../nowhere/users.sql"))]
async fn reads() {}

fn main() {}
