use db_test::{Client, db_test};

#[db_test]
async fn reads(client: Client) {
    let response = client.;
}

fn main() {}
