//! What belongs to a connection, not to its transactions.

use std::{collections::HashSet, rc::Rc};

use super::Engine;
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::UnitKind,
        control::Control,
        protocol::{message, notification},
    },
    sqlstate,
};

impl Engine {
    /// What does not belong to transactions.
    pub(super) fn session_control(&mut self, id: ClientId, control: &Control) {
        if matches!(
            control,
            Control::Listen(_)
                | Control::Unlisten(_)
                | Control::Notify { .. }
                | Control::DeallocateAll
                | Control::ShowVirtual(_)
        ) {
            self.unit(id).piped = true;
        }
        match control {
            Control::Listen(channel) => {
                self.pending(id).listens.push((Some(channel.clone()), true));
                self.send_tag(id, "LISTEN");
            }
            Control::Unlisten(channel) => {
                self.pending(id).listens.push((channel.clone(), false));
                self.send_tag(id, "UNLISTEN");
            }
            Control::Notify { channel, payload } => self.notify(id, channel, payload),
            Control::DiscardAll => self.discard_all(id),
            Control::DeallocateAll => {
                self.deallocate_all(id);
                self.unit(id).queried = true;
                if let Some(open) = &mut self.client(id).transaction {
                    open.queried = true;
                }
                self.send_tag(id, "DEALLOCATE ALL");
            }
            Control::SetVirtual { name, value } => {
                let value = if value == "default" { "0" } else { value };
                self.client(id)
                    .virtuals
                    .insert(name.clone(), value.to_owned());
                self.send_tag(id, "SET");
            }
            Control::ShowVirtual(name) => self.show(id, name),
            Control::Vacuum(_) => self.vacuum(id),
            _ => {}
        }
    }

    pub(super) fn notify(&mut self, id: ClientId, channel: &str, payload: &str) {
        if payload.len() >= 8000 {
            return self.fail(
                id,
                sqlstate::INVALID_PARAMETER_VALUE,
                "payload string too long",
            );
        }
        self.pending(id)
            .notes
            .push((channel.to_owned(), payload.to_owned()));
        self.send_tag(id, "NOTIFY");
    }

    pub(super) fn discard_all(&mut self, id: ClientId) {
        if self.is_in_block(id) {
            let text = self.block_refusal(id, "DISCARD ALL");
            return self.fail(id, sqlstate::ACTIVE_SQL_TRANSACTION, &text);
        }
        self.deallocate_all(id);
        self.close_holdable_cursors(id);
        self.drop_temporaries(id);
        self.advisory_locks.session_ended(id);
        let client = self.client(id);
        client.portals.clear();
        client.listens.clear();
        client.virtuals.clear();
        client.session = Rc::clone(&client.startup);
        client.pending = Rc::default();
        self.settings_changed(id);
        self.unit(id).resets = true;
        self.send_tag(id, "DISCARD ALL");
    }

    /// Delivers notifications to the clients that listen; equal ones once.
    pub(super) fn notify_all(&mut self, from: ClientId, notes: &[(String, String)]) {
        let mut delivered = HashSet::new();
        for note in notes.iter().filter(|note| delivered.insert(*note)) {
            for client in self
                .clients
                .iter_mut()
                .map(|(_, client)| client)
                .filter(|client| client.listens.contains(&note.0))
            {
                client.notified.push((from, note.0.clone(), note.1.clone()));
            }
        }
    }

    /// Tells a client that is in no transaction what it has been notified of.
    pub(super) fn deliver_notified(&mut self, id: ClientId) {
        let client = self.client(id);
        if client.transaction.is_some() || client.notified.is_empty() {
            return;
        }
        for (from, channel, payload) in std::mem::take(&mut client.notified) {
            if !client.gets_nothing() {
                notification(&mut client.out, from, &channel, &payload);
            }
        }
    }

    /// `SHOW` of what the proxy keeps.
    pub(super) fn show(&mut self, id: ClientId, name: &str) {
        let is_simple = !matches!(self.unit(id).kind, UnitKind::Extended { .. });
        let (level, _) = self.unit_modes(id);
        let client = self.client(id);
        let value = if name == "transaction_isolation" {
            client
                .transaction
                .as_ref()
                .map_or(level, |open| open.level.clone())
        } else {
            time_limit(client.virtuals.get(name).map_or("0", String::as_str))
        };
        self.send(id, |out| {
            if is_simple {
                show_description(out, name);
            }
            message(out, b'D', |out| {
                out.extend_from_slice(&[0, 1]);
                out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_be_bytes());
                out.extend_from_slice(value.as_bytes());
            });
        });
        if !is_simple && self.client(id).executing_limit == 1 {
            self.send(id, |out| message(out, b's', |_| {}));
        } else {
            self.send_tag(id, "SHOW");
        }
    }

    pub(super) fn pending(&mut self, id: ClientId) -> &mut super::super::client::Pending {
        Rc::make_mut(&mut self.client(id).pending)
    }
}

/// The description of the one row of a `SHOW`: a column of type text.
pub(super) fn show_description(out: &mut Vec<u8>, name: &str) {
    message(out, b'T', |out| {
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&25_u32.to_be_bytes());
        out.extend_from_slice(&(-1_i16).to_be_bytes());
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
    });
}

/// A time limit as the server shows it.
fn time_limit(value: &str) -> String {
    match value.parse::<u64>() {
        Ok(0) | Err(_) => value.to_owned(),
        Ok(limit) if limit % 60_000 == 0 => format!("{}min", limit / 60_000),
        Ok(limit) if limit % 1000 == 0 => format!("{}s", limit / 1000),
        Ok(limit) => format!("{limit}ms"),
    }
}
