//! A crate as a tree of modules, each with its file, its names and the paths that stand in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::imports::{Found, in_tokens};

/// The path of a module from the crate's root, which is empty.
pub(crate) type Name = Vec<String>;

#[derive(Default)]
struct Module {
    children: BTreeSet<String>,
    /// What its `use` declarations bring: a name, and the path it stands for.
    aliases: BTreeMap<String, Name>,
    paths: Vec<Name>,
}

/// One import: the file that has it, the file it leads to, and the name that is taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: Name,
    pub(crate) to: Name,
    pub(crate) name: String,
}

#[derive(Default)]
pub(crate) struct Crate {
    modules: BTreeMap<Name, Module>,
    /// Modules that stand in the file of another.
    inline: BTreeSet<Name>,
}

impl Crate {
    /// Reads the modules below `lib.rs` of a directory.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut read = Self::default();
        read.file(directory, Vec::new());
        read
    }

    /// Every import that leads from one file to another, once.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeSet::new();
        for (module, content) in &self.modules {
            let from = self.file_of(module);
            for path in &content.paths {
                let Some(to) = self.resolve(module, path, 0) else {
                    continue;
                };
                let (to, name) = (self.file_of(&to), path.last().cloned().unwrap_or_default());
                if to != from {
                    let from = from.clone();
                    imports.insert(Import { from, to, name });
                }
            }
        }
        imports.into_iter().collect()
    }

    fn file(&mut self, directory: &Path, module: Name) {
        let file = match module.split_last() {
            None => directory.join("lib.rs"),
            Some((last, parents)) => {
                let folder = parents
                    .iter()
                    .fold(directory.to_owned(), |at, name| at.join(name));
                folder.join(format!("{last}.rs"))
            }
        };
        let text = fs::read_to_string(&file);
        let text =
            text.unwrap_or_else(|error| panic!("could not read {}: {error}", file.display()));
        let tokens = text.parse();
        let tokens =
            tokens.unwrap_or_else(|error| panic!("{} is not Rust: {error}", file.display()));
        self.content(directory, module, in_tokens(tokens));
    }

    fn content(&mut self, directory: &Path, module: Name, found: Found) {
        let below = |name: &String| [module.as_slice(), std::slice::from_ref(name)].concat();
        let mut content = Module {
            aliases: found.aliases.into_iter().collect(),
            paths: found.paths,
            ..Module::default()
        };
        for name in found.files {
            self.file(directory, below(&name));
            content.children.insert(name);
        }
        for (name, inside) in found.inline {
            self.inline.insert(below(&name));
            self.content(directory, below(&name), inside);
            content.children.insert(name);
        }
        self.modules.insert(module, content);
    }

    fn file_of(&self, module: &Name) -> Name {
        let mut file = module.clone();
        while self.inline.contains(&file) {
            file.pop();
        }
        file
    }

    /// The module that defines what a path leads to; none for what another crate defines.
    fn resolve(&self, from: &Name, path: &[String], depth: u8) -> Option<Name> {
        let (first, rest) = path.split_first()?;
        let (mut at, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (from.clone(), rest),
            "super" => (Self::parent(from), rest),
            _ => (from.clone(), path),
        };
        let is_relative = !matches!(first.as_str(), "crate" | "self" | "super");
        while let Some((name, after)) = rest.split_first() {
            let module = self.modules.get(&at)?;
            if name == "super" {
                at = Self::parent(&at);
            } else if module.children.contains(name) {
                at.push(name.clone());
            } else if let Some(stands_for) = module.aliases.get(name)
                && depth < 8
                && stands_for != path
            {
                let whole = [stands_for.as_slice(), after].concat();
                return self.resolve(&at, &whole, depth + 1);
            } else if is_relative && at == *from {
                return None;
            } else {
                return Some(at);
            }
            rest = after;
        }
        Some(at)
    }

    fn parent(module: &Name) -> Name {
        let mut parent = module.clone();
        parent.pop();
        parent
    }
}

/// The path of a module's file below `src`.
pub(crate) fn shown(module: &Name) -> String {
    if module.is_empty() {
        return "lib.rs".to_owned();
    }
    format!("{}.rs", module.join("/"))
}
