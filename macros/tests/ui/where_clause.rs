use db_test::{Client, db_test};

#[db_test]
async fn reads(client: Client)
where
    Client: 'static,
{
    drop(client);
}

fn main() {}
