use db_test::{Client, db_test};

#[db_test]
async fn reads<'a>(client: Client) {
    drop(client);
}

fn main() {}
