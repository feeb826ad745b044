use db_test::db_test;

#[db_test(fixtures("usres"))]
async fn reads() {}

fn main() {}
