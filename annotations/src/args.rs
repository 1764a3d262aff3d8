//! The arguments of an attribute: parsed one by one, so that each mistake is found and none hides the next.

use std::fmt;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Path, Token};

use crate::errors::Errors;

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
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contract => "contract",
            Self::Operation(access) => access.name(),
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

/// What the arguments of one attribute say.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) object: Option<Object>,
    pub(crate) key: Option<Expr>,
    pub(crate) role: Option<LitStr>,
    pub(crate) krate: Option<Path>,
    pub(crate) sets: Vec<Set>,
}

impl Arguments {
    /// Parses the arguments of `attribute`; what is wrong goes to `errors` and is left out.
    pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut arguments = Self::default();
        let mut seen: Vec<String> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = arguments.parse_one(attribute, input, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if input.is_empty() {
                    break;
                }
                if let Err(error) = input.parse::<Token![,]>() {
                    errors.push(syn::Error::new(
                        error.span(),
                        "expected `,` between arguments",
                    ));
                    skip_to_comma(input);
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        arguments
    }

    fn parse_one(
        &mut self,
        attribute: Attribute,
        input: ParseStream<'_>,
        seen: &mut Vec<String>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let Ok(name) = input.call(Ident::parse_any) else {
            return Err(input.error(format!(
                "expected the name of an argument: {}",
                allowed(attribute)
            )));
        };
        let word = name.to_string();
        if seen.contains(&word) {
            errors.at(&name, format!("`{word}` is given twice"));
            skip_to_comma(input);
            return Ok(());
        }
        match word.as_str() {
            "object" => {
                let place = value(&name, input, "the place of the object", "self.shared")?;
                self.set_object(&name, Object::Place(without_reference(place)), seen, errors);
            }
            "resource" => {
                let text = text(&name, input, "environment")?;
                self.set_object(&name, Object::Resource(text), seen, errors);
            }
            "id" => {
                let id = value(&name, input, "the place of a `tsvd::ObjectId`", "self.id")?;
                self.set_object(&name, Object::Id(without_reference(id)), seen, errors);
            }
            "key" => self.key = Some(value(&name, input, "an expression", "id")?),
            "role" => self.role = Some(text(&name, input, "producer")?),
            "crate" => {
                equals(&name, input, "the path of `tsvd` in this crate", "detector")?;
                let path = input.call(Path::parse_mod_style);
                self.krate = Some(path.map_err(|error| {
                    expected(
                        error.span(),
                        &name,
                        "the path of `tsvd` in this crate",
                        "detector",
                    )
                })?);
            }
            "read" | "write" | "update" if attribute == Attribute::Contract => {
                let access = Access::from_name(&word).expect("the pattern names accesses");
                self.sets.push(Set {
                    access,
                    names: names(&name, input)?,
                });
            }
            "thread_safe" | "expect_atomic" | "strict" | "when" | "future" | "call" => {
                errors.at(&name, format!("`{word}` is not supported yet"));
                skip_to_comma(input);
            }
            _ => {
                errors.at(
                    &name,
                    format!("unknown argument `{word}`: {}", allowed(attribute)),
                );
                skip_to_comma(input);
            }
        }
        seen.push(word);
        Ok(())
    }

    /// An operation acts on one object, so only one argument may name it.
    fn set_object(&mut self, name: &Ident, object: Object, seen: &[String], errors: &mut Errors) {
        let other = seen
            .iter()
            .find(|word| ["object", "resource", "id"].contains(&word.as_str()));
        match other {
            Some(other) => {
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
            sets: Vec::new(),
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

fn allowed(attribute: Attribute) -> String {
    let sets = if attribute == Attribute::Contract {
        "`read(…)`, `write(…)`, `update(…)`, "
    } else {
        ""
    };
    format!("`{attribute}` takes {sets}`object`, `resource`, `id`, `key`, `role` and `crate`")
}

fn expected(span: Span, name: &Ident, what: &str, example: &str) -> syn::Error {
    syn::Error::new(span, format!("`{name}` takes {what}: `{name} = {example}`"))
}

fn equals(name: &Ident, input: ParseStream<'_>, what: &str, example: &str) -> syn::Result<()> {
    let parsed = input.parse::<Token![=]>();
    parsed
        .map(drop)
        .map_err(|_| expected(name.span(), name, what, example))
}

fn value<T: Parse>(
    name: &Ident,
    input: ParseStream<'_>,
    what: &str,
    example: &str,
) -> syn::Result<T> {
    equals(name, input, what, example)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(expected(name.span(), name, what, example));
    }
    input
        .parse()
        .map_err(|error| expected(error.span(), name, what, example))
}

fn text(name: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    let example = format!("\"{example}\"");
    let text: LitStr = value(name, input, "a string literal", &example)?;
    if text.value().trim().is_empty() {
        return Err(syn::Error::new(
            text.span(),
            format!("the {name} needs a name: `{name} = {example}`"),
        ));
    }
    Ok(text)
}

fn names(name: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let message = format!("`{name}` takes the names of methods: `{name}(first, second)`");
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), message));
    }
    let content;
    syn::parenthesized!(content in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&content);
    let names = names.map_err(|error| {
        // What could not be read is inside the parentheses, and so is done with.
        let _ = content.parse::<TokenStream>();
        syn::Error::new(error.span(), &message)
    })?;
    if names.is_empty() {
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(names.into_iter().collect())
}

/// `&place` means the place: an operation acts on what is there, not on a reference to it.
fn without_reference(expression: Expr) -> Expr {
    match expression {
        Expr::Reference(reference) => *reference.expr,
        Expr::Group(group) if matches!(*group.expr, Expr::Reference(_)) => {
            without_reference(*group.expr)
        }
        expression => expression,
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
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
