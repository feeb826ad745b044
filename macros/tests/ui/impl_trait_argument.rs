use db_test::db_test;

#[db_test]
async fn reads(source: impl Send) {
    drop(source);
}

fn main() {}
