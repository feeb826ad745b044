//! Custom types, arrays and JSON, whose ids and plans outlive a test on its lane's connection.

use sqlx::{Row, types::Json};

use crate::comparison::same;

#[derive(sqlx::Type, Debug)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
enum Mood {
    Calm,
    Glad,
}

#[derive(sqlx::Type, Debug)]
#[sqlx(type_name = "pair")]
struct Pair {
    x: i32,
    y: String,
}

same! {
    async fn custom_types_arrays_and_json_go_there_and_back(app) {
        let row = sqlx::query("select $1::mood as a, $2::pair as b, $3::int[] as c, $4::jsonb as d, $5::mood[] as e")
            .bind(Mood::Glad)
            .bind(Pair { x: 1, y: "why".to_owned() })
            .bind(vec![1, 2, 3])
            .bind(Json(serde_json::json!({"k": [1, null]})))
            .bind(vec![Mood::Calm, Mood::Glad])
            .fetch_one(&app.pool)
            .await
            .expect("it arrives");
        let (mood, pair): (Mood, Pair) = (row.get("a"), row.get("b"));
        let (array, json): (Vec<i32>, serde_json::Value) = (row.get("c"), row.get("d"));
        let moods: Vec<Mood> = row.get("e");
        app.see(format!("{mood:?} {} {} {array:?} {json} {moods:?}", pair.x, pair.y));
        app.run(&["select 'angry'::mood::text", "select 'calm'::mood::text"]).await;
    }

    async fn a_type_made_and_remade_by_one_test_is_known_to_it(app) {
        app.run(&["create type level as enum ('low')"]).await;
        let low = sqlx::query("select 'low'::level").fetch_one(&app.pool).await.expect("it is known");
        app.see(low.try_get_unchecked::<String, _>(0).expect("it is text"));
        app.run(&["drop type level", "select 'low'::level::text", "alter type pair add attribute z int"]).await;
        app.run(&["select (row(1, 'a', 2)::pair).z::text", "alter type mood rename value 'calm' to 'quiet'"]).await;
        app.run(&["select 'quiet'::mood::text"]).await;
    }

    // The same again, on a lane's connection that the test before has used: nothing of it is left.
    async fn a_type_that_another_test_has_made_is_unknown(app) {
        app.run(&["select 'low'::level", "create type level as (n int)", "select row(1)::level::text"]).await;
        let pair = sqlx::query("select $1::pair as p").bind(Pair { x: 2, y: "two".to_owned() });
        let pair: Pair = pair.fetch_one(&app.pool).await.expect("it arrives").get("p");
        app.see(format!("{} {}", pair.x, pair.y));
        app.run(&["select 'calm'::mood::text", "select 'quiet'::mood::text"]).await;
    }
}
