//! Starting a session: its server is found while its migrations are read.

use std::{future::Future, pin::Pin, sync::Arc, time::Instant};

use futures_util::future::join;

use super::Definition;
use crate::{
    Error,
    observe::log,
    postgres::{
        Active, Start, Started, keep,
        lane::Lanes,
        server::{Login, Server},
        template::{Content, Template},
    },
};

impl Start for Definition {
    fn started(&self) -> &Started {
        &self.active
    }

    fn start(&'static self) -> Pin<Box<dyn Future<Output = Result<Active, Error>> + Send>> {
        Box::pin(start(self))
    }

    fn login(&self) -> &Login {
        &self.session.login
    }
}

async fn start(definition: &'static Definition) -> Result<Active, Error> {
    let began = Instant::now();
    let (session, crate_dir) = (&definition.session, &definition.crate_dir);
    // sqlx reads the files on another thread, so both happen at the same time.
    let (migrator, server) = join(
        definition.migrator(),
        Server::find(crate_dir, &session.login),
    )
    .await;
    let (migrator, server) = (migrator?, Arc::new(server?));
    let migrations = migrator.iter().count();
    let has_schema = migrations > 0 || session.seed.is_some() || !session.seed_sql.is_empty();
    keep::run_request(&server).await;
    let content = Content {
        migrator,
        migrations_dir: session.migrations.directory(crate_dir),
        seed_sql: session.seed_sql.clone(),
        seed: session.seed.clone(),
        locale: session.locale.clone(),
        named: session.named.clone(),
    };
    let template = Template::new(content, Arc::clone(&server));
    log::info(format_args!(
        "session {} started on {server} in {:.1?}: {} migrations, template {}",
        definition.name,
        began.elapsed(),
        migrations,
        template.database()
    ));
    Ok(Active::new(Lanes::new(server, template), has_schema))
}
