//! The beginning of a connection.

use std::{collections::BTreeMap, rc::Rc};

use super::{Engine, names::Identity};
use crate::postgres::{
    pool_mark,
    proxy::{
        api::{ClientId, Event},
        client::Stage,
        control::VIRTUAL,
        protocol::{Body, ErrorFields, error, message, parameter_status, ready},
        settings::{Settings, Value, assignment},
        startup::parameters,
    },
    request_code::{CANCEL_REQUEST, GSS_REQUEST, SSL_REQUEST},
    sqlstate,
};

/// The protocol that every server of today speaks.
const PROTOCOL: u32 = 3 << 16;

/// Startup parameters that are no settings.
const NO_SETTINGS: [&str; 5] = [
    "user",
    "database",
    "options",
    "replication",
    pool_mark::NAME,
];

/// What a startup message is answered, remembered for the next one that is the same.
pub(super) struct Greeting {
    asked: Vec<u8>,
    version: u32,
    /// Those of the test.
    settings: Settings,
    startup: Settings,
    virtuals: BTreeMap<String, String>,
    reported: Rc<BTreeMap<Rc<str>, Rc<str>>>,
    /// Everything in front of the key to cancel by.
    said: Vec<u8>,
    is_of_pool: bool,
}

impl Engine {
    /// Reads what a client says first.
    pub(super) fn start(&mut self, id: ClientId) {
        loop {
            let client = self.client(id);
            match client.inbox.startup() {
                Ok(Some((SSL_REQUEST | GSS_REQUEST, _))) => client.out.push(b'N'),
                Ok(Some((CANCEL_REQUEST, body))) => {
                    let mut body = Body(&body);
                    let named = body.u32().zip(body.u32());
                    let known = named.filter(|(target, key)| {
                        *target != id && *key == self.key(*target) && self.clients.contains(*target)
                    });
                    self.client(id).stage = match known {
                        Some((target, _)) => Stage::Canceling(Some(target)),
                        None => Stage::Gone,
                    };
                    return;
                }
                Ok(Some((version, body))) if version >> 16 == PROTOCOL >> 16 => {
                    return self.welcome(id, version, &body);
                }
                Ok(None) => return,
                Ok(Some(_)) | Err(_) => {
                    let text = "unsupported frontend protocol";
                    error(
                        &mut client.out,
                        ErrorFields::new("FATAL", sqlstate::PROTOCOL_VIOLATION, text),
                    );
                    client.stage = Stage::Gone;
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, id: ClientId, version: u32, body: &[u8]) {
        let is_known = self.greeting.as_ref().is_some_and(|known| {
            known.asked == body
                && known.version == version
                && Rc::ptr_eq(&known.settings, &self.test_settings)
        });
        let known = self.greeting.take().filter(|_| is_known);
        let greeting = match known {
            Some(known) => known,
            None if self.names_the_test(&parameters(body)) => {
                self.greet(version, body, &Identity::Test)
            }
            None => {
                let client = self.client(id);
                client.naming = Some((version, body.to_vec()));
                client.stage = Stage::Naming;
                return;
            }
        };
        self.say_welcome(id, &greeting);
        self.greeting = Some(greeting);
    }

    /// Lets a client in.
    pub(super) fn say_welcome(&mut self, id: ClientId, greeting: &Greeting) {
        let is_over = self.test.is_none() || self.ending.is_some();
        let key = self.key(id);
        let client = self.clients.at(id);
        client.stage = if is_over {
            Stage::Late(None)
        } else {
            Stage::Open
        };
        client.session = Rc::clone(&greeting.startup);
        client.startup = Rc::clone(&greeting.startup);
        client.virtuals.clone_from(&greeting.virtuals);
        client.reported = Rc::clone(&greeting.reported);
        // The server says itself what it makes of a value: the first real answer tells.
        client.revision = self.backend.revision;
        let out = &mut client.out;
        out.extend_from_slice(&greeting.said);
        message(out, b'K', |out| {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&key.to_be_bytes());
        });
        ready(out, b'I');
        if !greeting.is_of_pool {
            self.events.push_back(Event::OpenedElsewhere(id));
        }
        self.settings_changed(id);
    }

    /// Works out what a startup message is answered. Those of a pool are all alike.
    pub(super) fn greet(&self, version: u32, body: &[u8], identity: &Identity) -> Greeting {
        let asked = parameters(body);
        // What other clients have changed is not this one's.
        let mut reported = self.setup.reported();
        let mut startup = (*self.test_settings).clone();
        let mut virtuals = BTreeMap::new();
        let settings = asked.iter().filter(|(name, _)| {
            !NO_SETTINGS.contains(&name.as_str()) && !name.starts_with("_pq_.")
        });
        let of_role: &[_] = match identity {
            Identity::Role(_, _, settings) => settings,
            Identity::Test => &[],
        };
        for (name, value) in of_role.iter().chain(settings) {
            if VIRTUAL.contains(&name.as_str()) {
                virtuals.insert(name.clone(), value.clone());
                continue;
            }
            if self.is_base(name, value) {
                startup.remove(name.as_str());
            } else {
                startup.insert(name.as_str().into(), assignment(name, value, false));
            }
            let known = reported
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            if let Some((_, known)) = known {
                *known = value.as_str().into();
            }
        }
        if let Identity::Role(setting, role, _) = identity {
            startup.insert((*setting).into(), assignment(setting, role, false));
        }
        let mut said = Vec::new();
        if version != PROTOCOL || asked.iter().any(|(name, _)| name.starts_with("_pq_.")) {
            negotiate(&mut said, &asked);
        }
        message(&mut said, b'R', |out| out.extend_from_slice(&[0; 4]));
        for (name, value) in &reported {
            parameter_status(&mut said, name, value);
        }
        Greeting {
            asked: body.to_vec(),
            version,
            settings: Rc::clone(&self.test_settings),
            startup: Rc::new(startup),
            virtuals,
            reported: Rc::new(reported),
            said,
            is_of_pool: pool_mark::is_in(&asked),
        }
    }

    /// Whether the backend has a setting by itself.
    fn is_base(&self, name: &str, value: &str) -> bool {
        let same = |known: &String| {
            let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
            known == value || plain(known) == plain(value)
        };
        self.base.get(name).is_some_and(same)
    }

    /// Settings by their values, without those that the backend has anyway.
    pub(super) fn settings_of(&self, named: &[(String, String)]) -> Settings {
        let differing = named
            .iter()
            .filter(|(name, value)| !self.is_base(&name.to_ascii_lowercase(), value));
        let assigned = differing.map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let value: Value = assignment(&name, value, false);
            (Rc::from(name.as_str()), value)
        });
        Rc::new(assigned.collect())
    }
}

/// Speaks 3.0, and knows no extension.
fn negotiate(out: &mut Vec<u8>, asked: &[(String, String)]) {
    let unknown: Vec<_> = asked
        .iter()
        .filter(|(name, _)| name.starts_with("_pq_."))
        .collect();
    message(out, b'v', |out| {
        out.extend_from_slice(&PROTOCOL.to_be_bytes());
        out.extend_from_slice(&u32::try_from(unknown.len()).unwrap_or(0).to_be_bytes());
        for (name, _) in unknown {
            out.extend_from_slice(name.as_bytes());
            out.push(0);
        }
    });
}
