//! The settings of clients.

use std::rc::Rc;

use super::Engine;
use crate::observe::recording::Parameter;
use crate::postgres::proxy::{
    api::ClientId,
    control::{Argument, Change, Info, NewValue, VIRTUAL},
    expected::{Expected, Own},
    protocol::{columns, query},
    settings::{self, Settings, Value},
    statements::Scope,
};

impl Engine {
    /// Notes what a statement that is about to be sent does to its client's settings.
    pub(super) fn note_changes(&mut self, id: ClientId, info: &Info, parameters: &[Parameter]) {
        if info.changes.is_empty() {
            return;
        }
        let is_in_force = self.is_in_force(id);
        for change in &info.changes {
            self.note_change(id, change, parameters);
        }
        self.settings_changed(id);
        // The statement itself puts in force what it changes.
        let effective = Rc::clone(&self.client(id).effective);
        if is_in_force {
            self.backend.applied = effective;
        } else {
            self.note_applied(info, &effective);
        }
        if info
            .changes
            .iter()
            .any(|change| matches!(change.to, NewValue::Default | NewValue::AllDefaults))
        {
            // The backend's default may not be the client's.
            self.apply_startup(id, info);
            if let Some(clock) = &mut self.moving_clock {
                clock.forget();
            }
        }
    }

    /// Notes that the backend has the settings that a statement changes, and not yet all of its
    /// client's others.
    fn note_applied(&mut self, info: &Info, effective: &Settings) {
        let applied = Rc::make_mut(&mut self.backend.applied);
        for change in &info.changes {
            let Argument::Literal(name) = &change.name else {
                continue;
            };
            match effective.get_key_value(name.as_str()) {
                Some((name, value)) => drop(applied.insert(Rc::clone(name), value.clone())),
                None => drop(applied.remove(name.as_str())),
            }
        }
    }

    fn note_change(&mut self, id: ClientId, change: &Change, parameters: &[Parameter]) {
        let name = match &change.name {
            Argument::Literal(name) => name.clone(),
            Argument::Parameter(number) => match text(parameters, *number) {
                Some(name) => name.to_ascii_lowercase(),
                None => return,
            },
            Argument::Unknown => return,
        };
        let mut reported = self.backend.reported.keys();
        if name.is_empty() || reported.any(|reported| reported.eq_ignore_ascii_case(&name)) {
            self.client(id).changed_reported = true;
        }
        if VIRTUAL.contains(&name.as_str()) {
            self.unit(id).ends_backend = true;
            if let NewValue::Value(Argument::Literal(value)) = &change.to {
                self.client(id).virtuals.insert(name, value.clone());
            }
            return;
        }
        if name.starts_with("default_transaction_") {
            self.fix_unit_modes(id);
        }
        let value = match &change.to {
            NewValue::Sql(sql) => Some(Value::Sql(sql.as_str().into())),
            NewValue::Value(Argument::Literal(value)) => {
                Some(settings::assignment(&name, value, change.is_local))
            }
            NewValue::Value(Argument::Parameter(number)) => text(parameters, *number)
                .map(|value| settings::assignment(&name, &value, change.is_local)),
            NewValue::Value(Argument::Unknown) => None,
            NewValue::Default | NewValue::AllDefaults => {
                return self.note_default(id, &name, change);
            }
        };
        let value = value.unwrap_or_else(|| {
            self.unknown_count += 1;
            Value::Unknown {
                number: self.unknown_count,
                is_local: change.is_local,
            }
        });
        let client = self.client(id);
        let pending = Rc::make_mut(&mut client.pending);
        if change.is_local {
            pending.locals.insert(name.as_str().into(), value);
        } else {
            pending.locals.remove(name.as_str());
            Rc::make_mut(&mut client.session).insert(name.as_str().into(), value);
        }
    }

    fn note_default(&mut self, id: ClientId, name: &str, change: &Change) {
        let client = self.client(id);
        let pending = Rc::make_mut(&mut client.pending);
        if change.to == NewValue::AllDefaults {
            pending.locals.retain(|name, _| is_kept_by_reset_all(name));
            let kept = client
                .session
                .iter()
                .filter(|(name, _)| is_kept_by_reset_all(name));
            let kept: Vec<_> = kept
                .map(|(name, value)| (Rc::clone(name), value.clone()))
                .collect();
            let mut session = (*client.startup).clone();
            session.extend(kept);
            client.session = Rc::new(session);
            return;
        }
        let startup = client.startup.get(name).cloned();
        if change.is_local {
            let value = startup
                .unwrap_or_else(|| Value::Sql(format!("set local {name} to default").into()));
            pending.locals.insert(name.into(), value);
            return;
        }
        pending.locals.remove(name);
        let session = Rc::make_mut(&mut client.session);
        match startup {
            Some(value) => drop(session.insert(name.into(), value)),
            None => drop(session.remove(name)),
        }
    }

    /// After a reset, the client's own defaults go in front of what comes next.
    fn apply_startup(&mut self, id: ClientId, info: &Info) {
        let client = self.client(id);
        if client.startup.is_empty() {
            return;
        }
        let mut applied = (*self.backend.applied).clone();
        for change in &info.changes {
            match (&change.to, &change.name) {
                (NewValue::AllDefaults, _) => applied.retain(|name, _| is_kept_by_reset_all(name)),
                (NewValue::Default, Argument::Literal(name)) => drop(applied.remove(name.as_str())),
                _ => {}
            }
        }
        self.backend.applied = Rc::new(applied);
        self.unit(id).resets = true;
    }

    /// Works out what the settings of a client are together.
    pub(super) fn settings_changed(&mut self, id: ClientId) {
        let client = self.client(id);
        client.combine_settings();
        if client.effective.is_empty() {
            client.namespace = 0;
            return;
        }
        let named = ["search_path", "role", "session_authorization"];
        let key = named.map(|name| client.effective.get(name).cloned());
        let next = u32::try_from(self.namespaces.len() + 1).unwrap_or(u32::MAX);
        // No path and no role of its own is where everybody begins.
        let next = if key == [None, None, None] { 0 } else { next };
        let namespace = *self.namespaces.entry(key).or_insert(next);
        self.client(id).namespace = namespace;
    }

    /// Where a statement of a client has its meaning.
    pub(super) fn scope(&mut self, id: ClientId) -> Scope {
        Scope {
            generation: self.generation,
            namespace: self.client(id).namespace,
        }
    }

    pub(super) fn has_backslashes(&mut self, id: ClientId) -> bool {
        let name = "standard_conforming_strings";
        let off = |sql: &str| sql.contains("off") || sql.contains("false");
        matches!(self.client(id).effective.get(name), Some(Value::Sql(sql)) if off(sql))
    }

    /// Asks for values that only the backend knows, before another client changes them.
    pub(super) fn ask_for_unknown(&mut self, to: ClientId) {
        let unknown = |settings: &Settings| {
            settings
                .iter()
                .any(|(_, value)| matches!(value, Value::Unknown { .. }))
        };
        if !unknown(&self.backend.applied) {
            return;
        }
        let owner = self
            .clients
            .iter()
            .find(|(id, client)| *id != to && Rc::ptr_eq(&client.effective, &self.backend.applied));
        let Some(owner) = owner.map(|(id, _)| id) else {
            return;
        };
        let names: Vec<_> = self
            .backend
            .applied
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Unknown { number, is_local } => Some((Rc::clone(name), *number, *is_local)),
                Value::Sql(_) => None,
            })
            .collect();
        self.send_prefix(Own::Prefix);
        let asked = names.iter().map(|(name, ..)| {
            format!(
                "pg_catalog.current_setting({},true)",
                settings::literal(name)
            )
        });
        query(
            &mut self.backend.out,
            &format!("select {}", asked.collect::<Vec<_>>().join(",")),
        );
        self.backend
            .answers
            .push(Expected::Own(Own::Values(owner, names)));
    }

    /// The values of settings that were unknown.
    pub(super) fn values_known(
        &mut self,
        owner: ClientId,
        names: &[(Rc<str>, u64, bool)],
        row: &[u8],
    ) {
        let row = columns(row);
        for ((name, number, is_local), value) in names.iter().zip(row) {
            let known = settings::assignment(name, &value.unwrap_or_default(), *is_local);
            let mend = |value: &mut Value| {
                if matches!(value, Value::Unknown { number: n, .. } if n == number) {
                    *value = known.clone();
                }
            };
            let client = self.clients.get_mut(owner);
            let own = client
                .into_iter()
                .map(|client| (&mut client.session, &mut client.pending));
            let saved = self
                .stack
                .iter_mut()
                .map(|savepoint| (&mut savepoint.session, &mut savepoint.pending));
            for (session, pending) in own.chain(saved) {
                if session.contains_key(name) {
                    Rc::make_mut(session)
                        .get_mut(name)
                        .into_iter()
                        .for_each(mend);
                }
                if pending.locals.contains_key(name) {
                    Rc::make_mut(pending)
                        .locals
                        .get_mut(name)
                        .into_iter()
                        .for_each(mend);
                }
            }
        }
        if self.clients.contains(owner) {
            self.settings_changed(owner);
        }
    }
}

/// A parameter as text, if that is what it is.
pub(super) fn text(parameters: &[Parameter], number: usize) -> Option<String> {
    let parameter = parameters.get(number.checked_sub(1)?)?;
    String::from_utf8(parameter.value.clone()?).ok()
}

/// `RESET ALL` leaves who one is alone.
fn is_kept_by_reset_all(name: &str) -> bool {
    matches!(name, "role" | "session_authorization")
}
