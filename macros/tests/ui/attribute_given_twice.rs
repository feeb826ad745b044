use db_test::{Client, db_test};

#[db_test]
#[db_test]
async fn reads(client: Client) {
    drop(client);
}

fn main() {}
