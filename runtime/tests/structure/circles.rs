//! Circles of imports: between files, and between the folders and files that stand beside each
//! other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::modules::{Crate, Import, Name, shown};

/// Modules each of which reaches each other one, and the imports between them.
pub(crate) struct Circle {
    members: BTreeSet<Name>,
    imports: Vec<Import>,
}

impl Circle {
    /// Its members, by which it is known.
    pub(crate) fn name(&self) -> String {
        let members: Vec<_> = self.members.iter().map(shown).collect();
        members.join(", ")
    }
}

/// A module is one with all that is below it; two are compared where their paths part.
pub(crate) fn of(source: &Crate) -> Vec<Circle> {
    among(&source.imports(), |import| {
        let shared = import
            .from
            .iter()
            .zip(&import.to)
            .take_while(|(a, b)| a == b)
            .count();
        let room = |name: &Name| (name.len() > shared).then(|| name[..=shared].to_vec());
        Some((room(&import.from)?, room(&import.to)?))
    })
}

fn among(imports: &[Import], ends: impl Fn(&Import) -> Option<(Name, Name)>) -> Vec<Circle> {
    let mut arrows: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    let mut ended = Vec::new();
    for import in imports {
        if let Some((from, to)) = ends(import) {
            arrows.entry(from.clone()).or_default().insert(to.clone());
            ended.push((from, to, import));
        }
    }
    let reached: BTreeMap<_, _> = arrows
        .keys()
        .map(|from| (from, reached(from, &arrows)))
        .collect();
    let mut circles = BTreeSet::new();
    for (from, all) in &reached {
        if all.contains(*from) {
            let returns = |name: &&Name| reached.get(name).is_some_and(|back| back.contains(*from));
            let members: BTreeSet<Name> = all.iter().filter(returns).cloned().collect();
            circles.insert(members);
        }
    }
    let circle = |members: BTreeSet<Name>| {
        let is_in =
            |(from, to, _): &&(Name, Name, &Import)| members.contains(from) && members.contains(to);
        let imports = ended
            .iter()
            .filter(is_in)
            .map(|(_, _, import)| (*import).clone())
            .collect();
        Circle { members, imports }
    };
    circles.into_iter().map(circle).collect()
}

fn reached(from: &Name, arrows: &BTreeMap<Name, BTreeSet<Name>>) -> BTreeSet<Name> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for to in arrows.get(at).into_iter().flatten() {
            if reached.insert(to.clone()) {
                open.push(to);
            }
        }
    }
    reached
}

pub(crate) fn described(circles: &[Circle]) -> String {
    let mut text = String::new();
    for circle in circles {
        writeln!(
            text,
            "these import each other in a circle: {}",
            circle.name()
        )
        .ok();
        for Import { from, to, name } in &circle.imports {
            writeln!(
                text,
                "    {} takes `{name}` from {}",
                shown(from),
                shown(to)
            )
            .ok();
        }
    }
    text + "move what the lower one takes into a file of its own below both, or hand it over as an argument"
}
