//! What the arguments of the attributes say.

use std::fmt;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Path};

use crate::errors::Errors;
use crate::values::{crate_path, each, names, skip_to_comma, text, value, without_reference};

/// What an operation does with its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Update,
}

impl Access {
    /// The access that an attribute or a set of this name declares.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Update]
            .into_iter()
            .find(|access| access.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Update => "update",
        }
    }
}

/// The attribute whose arguments are parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Contract,
    Operation(Access),
    /// `expect_atomic`
    Region,
}

impl Attribute {
    fn writes(self) -> bool {
        matches!(self, Self::Operation(Access::Write | Access::Update))
    }

    fn allowed(self) -> String {
        let own = match self {
            Self::Contract => {
                "`read(…)`, `write(…)`, `update(…)`, `object`, `resource`, `id`, `key`, `role`, `thread_safe`"
            }
            Self::Operation(Access::Read) => {
                "`object`, `resource`, `id`, `key`, `role`, `future`, `call`"
            }
            Self::Operation(_) => {
                "`object`, `resource`, `id`, `key`, `role`, `when`, `future`, `call`"
            }
            Self::Region => "`strict`, `future`, `call`",
        };
        format!("`{self}` takes {own} and `crate`")
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contract => "contract",
            Self::Operation(access) => access.name(),
            Self::Region => "expect_atomic",
        })
    }
}

/// Which object an operation acts on, where it is not the value behind `self`.
#[derive(Clone)]
pub(crate) enum Object {
    Place(Expr),
    Resource(LitStr),
    Id(Expr),
}

impl Object {
    /// The argument that says so.
    fn word(&self) -> &'static str {
        match self {
            Self::Place(_) => "object",
            Self::Resource(_) => "resource",
            Self::Id(_) => "id",
        }
    }

    /// The expression to be evaluated at each call.
    pub(crate) fn expression(&self) -> Option<&Expr> {
        match self {
            Self::Place(expression) | Self::Id(expression) => Some(expression),
            Self::Resource(_) => None,
        }
    }
}

/// Methods named in `read(…)`, `write(…)` or `update(…)` on a contract.
pub(crate) struct Set {
    pub(crate) access: Access,
    pub(crate) names: Vec<Ident>,
}

/// Says whether a function that is not `async` returns a future.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Future,
    Call,
}

/// What the arguments of one attribute say.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) object: Option<Object>,
    pub(crate) key: Option<Expr>,
    pub(crate) role: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    pub(crate) sets: Vec<Set>,
    /// The calls of this contract may overlap.
    pub(crate) thread_safe: bool,
    /// A function of the result that says whether the operation wrote.
    pub(crate) when: Option<(Ident, Expr)>,
    pub(crate) word: Option<(Ident, Word)>,
    pub(crate) strict: bool,
}

impl Arguments {
    /// Parses the arguments of `attribute`; what is wrong goes to `errors` and is left out.
    pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut arguments = Self::default();
        let allowed = attribute.allowed();
        each(tokens, &allowed, errors, |name, input, errors| {
            arguments.parse_one(attribute, name, input, errors)
        });
        arguments
    }

    fn parse_one(
        &mut self,
        attribute: Attribute,
        name: &Ident,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let word = name.to_string();
        if attribute != Attribute::Region && self.parse_object(name, &word, input, errors)? {
            return Ok(());
        }
        match word.as_str() {
            "crate" => self.krate = Some(crate_path(name, input)?),
            "read" | "write" | "update" if attribute == Attribute::Contract => {
                let access = Access::from_name(&word).expect("the pattern names accesses");
                self.sets.push(Set {
                    access,
                    names: names(name, input)?,
                });
            }
            "thread_safe" if attribute == Attribute::Contract => self.thread_safe = true,
            "strict" if attribute == Attribute::Region => self.strict = true,
            "when" if attribute.writes() => {
                let example = "|result| result.is_some()";
                let when = value(name, input, "a function of the result", example)?;
                self.when = Some((name.clone(), when));
            }
            "future" | "call" if attribute != Attribute::Contract => {
                let word = if word == "future" {
                    Word::Future
                } else {
                    Word::Call
                };
                if self.word.is_some() {
                    errors.at(
                        name,
                        "`future` and `call` exclude each other: keep one of them",
                    );
                } else {
                    self.word = Some((name.clone(), word));
                }
            }
            _ => {
                errors.at(name, elsewhere(attribute, &word));
                skip_to_comma(input);
            }
        }
        Ok(())
    }

    /// What an operation acts on. Whether the argument was one of these.
    fn parse_object(
        &mut self,
        name: &Ident,
        word: &str,
        input: ParseStream<'_>,
        errors: &mut Errors,
    ) -> syn::Result<bool> {
        match word {
            "object" => {
                let place = value(name, input, "the place of the object", "self.shared")?;
                self.set_object(name, Object::Place(without_reference(place)), errors);
            }
            "resource" => {
                let text = text(name, input, "environment")?;
                self.set_object(name, Object::Resource(text), errors);
            }
            "id" => {
                let id = value(name, input, "the place of a `tsvd::ObjectId`", "self.id")?;
                self.set_object(name, Object::Id(without_reference(id)), errors);
            }
            "key" => self.key = Some(value(name, input, "an expression", "id")?),
            "role" => self.role = Some(text(name, input, "producer")?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// An operation acts on one object, so only one argument may name it.
    fn set_object(&mut self, name: &Ident, object: Object, errors: &mut Errors) {
        match &self.object {
            Some(other) => {
                let other = other.word();
                errors.at(
                    name,
                    format!("`{name}` and `{other}` both say which object it is: keep one of them"),
                );
            }
            None => self.object = Some(object),
        }
    }

    /// These arguments where given, those of `contract` otherwise.
    pub(crate) fn or(self, contract: &Self) -> Self {
        Self {
            object: self.object.or_else(|| contract.object.clone()),
            key: self.key.or_else(|| contract.key.clone()),
            role: self.role.or_else(|| contract.role.clone()),
            krate: self.krate.or_else(|| contract.krate.clone()),
            thread_safe: contract.thread_safe,
            ..self
        }
    }

    /// The expressions that are evaluated at each call.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.object
            .as_ref()
            .and_then(Object::expression)
            .into_iter()
            .chain(&self.key)
    }
}

/// Why `word` is no argument of `attribute`.
fn elsewhere(attribute: Attribute, word: &str) -> String {
    match word {
        "thread_safe" => {
            "`thread_safe` is said of a whole contract: `contract(thread_safe)`".into()
        }
        "strict" => "`strict` is said of a region: `expect_atomic(strict)`".into(),
        "expect_atomic" => {
            "`expect_atomic` is an attribute of its own, on the function that is the region".into()
        }
        "when" => {
            "`when` is said of one operation that writes: `write(when = …)` or `update(when = …)`"
                .into()
        }
        "future" | "call" => format!("`{word}` is said of one function: `write({word})`"),
        _ => format!("unknown argument `{word}`: {}", attribute.allowed()),
    }
}

/// The single identifiers that `expressions` name, with those inside macro calls.
pub(crate) fn named_variables<'a>(expressions: impl Iterator<Item = &'a Expr>) -> Vec<Ident> {
    struct Variables(Vec<Ident>);
    impl<'ast> syn::visit::Visit<'ast> for Variables {
        fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
            self.0.extend(path.path.get_ident().cloned());
        }
        fn visit_macro(&mut self, call: &'ast syn::Macro) {
            collect_identifiers(call.tokens.to_token_stream(), &mut self.0);
        }
    }
    let mut variables = Variables(Vec::new());
    for expression in expressions {
        syn::visit::Visit::visit_expr(&mut variables, expression);
    }
    variables.0
}

fn collect_identifiers(tokens: TokenStream, into: &mut Vec<Ident>) {
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => into.push(ident),
            TokenTree::Group(group) => collect_identifiers(group.stream(), into),
            _ => {}
        }
    }
}
