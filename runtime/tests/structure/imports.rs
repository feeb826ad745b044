//! The paths in the source of one module, read as tokens, so that those in bodies and in macro
//! calls count, too.

use std::iter::Peekable;

use proc_macro2::{Delimiter, TokenStream, TokenTree, token_stream::IntoIter};

use crate::modules::Name;

/// What one module says.
#[derive(Default)]
pub(crate) struct Found {
    /// Children with files of their own.
    pub(crate) files: Vec<String>,
    /// Children that stand in braces.
    pub(crate) inline: Vec<(String, Found)>,
    /// What each imported name stands for.
    pub(crate) aliases: Vec<(String, Name)>,
    /// Every path of two names or more, and every import.
    pub(crate) paths: Vec<Name>,
}

pub(crate) fn in_tokens(tokens: TokenStream) -> Found {
    let mut found = Found::default();
    found.read(tokens, true);
    found
}

type Tokens = Peekable<IntoIter>;

impl Found {
    fn read(&mut self, tokens: TokenStream, at_top: bool) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(punct)
                    if punct.as_char() == '#' && takes_test_attribute(&mut tokens) =>
                {
                    skip_item(&mut tokens);
                }
                TokenTree::Ident(word) if word == "mod" && at_top => self.module(&mut tokens),
                TokenTree::Ident(word) if word == "use" => self.import(&mut tokens, at_top),
                TokenTree::Ident(word) => {
                    let mut paths = Vec::new();
                    tree(vec![word.to_string()], &mut tokens, &mut paths);
                    self.paths.extend(
                        paths
                            .into_iter()
                            .map(|(path, _)| path)
                            .filter(|path| path.len() > 1),
                    );
                }
                TokenTree::Group(group) if !is_a_visibility(&group.stream()) => {
                    self.read(group.stream(), false);
                }
                _ => {}
            }
        }
    }

    fn module(&mut self, tokens: &mut Tokens) {
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return;
        };
        match tokens.next() {
            Some(TokenTree::Group(body)) => {
                let mut inside = Self::default();
                inside.read(body.stream(), true);
                self.inline.push((name.to_string(), inside));
            }
            _ => self.files.push(name.to_string()),
        }
    }

    fn import(&mut self, tokens: &mut Tokens, at_top: bool) {
        let mut paths = Vec::new();
        tree(Vec::new(), tokens, &mut paths);
        for (path, name) in paths {
            if at_top {
                self.aliases.push((name, path.clone()));
            }
            self.paths.push(path);
        }
    }
}

/// Reads the rest of a path, or of a `use` tree: the whole path of each leaf, and the name it has
/// here.
fn tree(mut path: Name, tokens: &mut Tokens, leaves: &mut Vec<(Name, String)>) {
    if path.is_empty() {
        match tokens.next() {
            Some(TokenTree::Ident(first)) => path.push(first.to_string()),
            // `use ::name` and what is no tree.
            _ => return,
        }
    }
    while takes_colons(tokens) {
        match tokens.peek().cloned() {
            Some(TokenTree::Ident(name)) => {
                tokens.next();
                path.push(name.to_string());
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                tokens.next();
                return branches(&path, group.stream(), leaves);
            }
            // `*`, which takes from the module itself, or `::<T>`.
            _ => break,
        }
    }
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if matches!(tokens.peek(), Some(TokenTree::Ident(word)) if word == "as") {
        tokens.next();
        if let Some(TokenTree::Ident(renamed)) = tokens.next() {
            name = renamed.to_string();
        }
    }
    leaves.push((path, name));
}

fn branches(path: &Name, stream: TokenStream, leaves: &mut Vec<(Name, String)>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Ident(name) = token {
            let path = [path.as_slice(), &[name.to_string()]].concat();
            tree(path, &mut tokens, leaves);
        }
    }
}

/// Takes `::`, if that is what comes.
fn takes_colons(tokens: &mut Tokens) -> bool {
    let is_colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    let mut ahead = tokens.clone();
    let (first, second) = (ahead.next(), ahead.next());
    if is_colon(first.as_ref()) && is_colon(second.as_ref()) {
        *tokens = ahead;
        return true;
    }
    false
}

/// Takes the brackets of an attribute, and says whether what follows is compiled for tests alone.
fn takes_test_attribute(tokens: &mut Tokens) -> bool {
    let Some(TokenTree::Group(attribute)) = tokens.peek() else {
        return false;
    };
    let words: String = attribute.stream().to_string().split_whitespace().collect();
    let is_test = words == "cfg(test)" || words.starts_with("cfg(all(test");
    if is_test {
        tokens.next();
    }
    is_test
}

/// Passes over an item: to its braces, or to its semicolon.
fn skip_item(tokens: &mut Tokens) {
    for token in tokens.by_ref() {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            _ => {}
        }
    }
}

/// Whether a group is that of `pub(in path)`.
fn is_a_visibility(stream: &TokenStream) -> bool {
    matches!(stream.clone().into_iter().next(), Some(TokenTree::Ident(word)) if word == "in")
}
