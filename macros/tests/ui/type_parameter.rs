use db_test::db_test;

#[db_test]
async fn reads<T>(value: T) {
    drop(value);
}

fn main() {}
