use db_test::db_test;

struct PgPool;

#[db_test]
async fn reads(pool: &PgPool) {
    let _ = pool;
}

fn main() {}
