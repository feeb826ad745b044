use db_test::{Client, db_test};

struct Mine;

#[db_test]
async fn takes_what_no_test_is_given(client: Client, name: Mine) {
    let _ = (client, name);
}

const LIMIT: u32 = 7;

#[db_test(max_queries = LIMIT, max_queries_per_request = LIMITS)]
async fn has_a_limit_of_another_type() {}

#[db_test]
async fn takes_a_misspelled_type(client: Clint) {}

#[db_test]
async fn returns_what_cannot_be_reported(client: Client) -> Result<(), Mine> {
    let _ = client;
    Ok(())
}

#[db_test]
async fn returns_what_it_does_not_say(client: Client) {
    let _ = client;
    3
}
