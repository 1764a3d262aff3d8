//! The attributes that make a function an operation: found among its others, also behind `cfg_attr`, and taken off.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, Parser};
use syn::{Attribute, Meta};

use crate::args::{self, Access, Arguments};
use crate::errors::Errors;
use crate::{strip, validate};

/// An operation, and the `cfg` predicate behind which its attribute stood.
pub(crate) struct Conditional {
    pub(crate) predicate: Option<TokenStream>,
    pub(crate) operation: Operation,
}

pub(crate) struct Operation {
    pub(crate) access: Access,
    /// What declares it: the path of its attribute, or its name in a set.
    pub(crate) declared: TokenStream,
    pub(crate) arguments: Arguments,
}

/// Separates the operation attributes, also those behind `cfg_attr`, from the others.
pub(crate) fn take_operations(
    attributes: Vec<Attribute>,
    krate: Option<&str>,
    errors: &mut Errors,
) -> (Vec<Attribute>, Vec<Conditional>) {
    let mut operations = Vec::new();
    for attribute in &attributes {
        collect_operations(&attribute.meta, None, krate, &mut operations, errors);
    }
    if let Some(second) = operations.iter().skip(1).find(|second| {
        let first: &Conditional = &operations[0];
        first.predicate.is_none() || second.predicate.is_none()
    }) {
        let declared = &second.operation.declared;
        errors.at(declared, validate::ONE_ACCESS);
    }
    let tokens = quote!(#(#attributes)*);
    if operations.is_empty() {
        return (attributes, operations);
    }
    let rest = Attribute::parse_outer.parse2(strip::attributes(tokens, krate));
    (rest.unwrap_or_default(), operations)
}

fn collect_operations(
    meta: &Meta,
    predicate: Option<&TokenStream>,
    krate: Option<&str>,
    operations: &mut Vec<Conditional>,
    errors: &mut Errors,
) {
    let path = meta.path();
    let trees: Vec<TokenTree> = path.to_token_stream().into_iter().collect();
    if let Some(access) =
        strip::operation_name(&strip::path_text(&trees), krate).and_then(Access::from_name)
    {
        let tokens = match meta {
            Meta::List(list) => list.tokens.clone(),
            Meta::Path(_) => TokenStream::new(),
            Meta::NameValue(pair) => {
                let name = access.name();
                errors.at(
                    pair,
                    format!("`{name}` takes its arguments in parentheses: `{name}(key = …)`"),
                );
                TokenStream::new()
            }
        };
        let arguments = Arguments::parse(args::Attribute::Operation(access), tokens, errors);
        let operation = Operation {
            access,
            declared: path.to_token_stream(),
            arguments,
        };
        operations.push(Conditional {
            predicate: predicate.cloned(),
            operation,
        });
    } else if let Some((own, attributes)) = cfg_attr(meta) {
        let predicate = predicate.map_or_else(|| own.clone(), |outer| quote!(all(#outer, #own)));
        for attribute in &attributes {
            collect_operations(attribute, Some(&predicate), krate, operations, errors);
        }
    }
}

/// The predicate of a `cfg_attr` and its attributes, as far as they are ordinary.
fn cfg_attr(meta: &Meta) -> Option<(TokenStream, Vec<Meta>)> {
    let list = meta
        .require_list()
        .ok()
        .filter(|list| list.path.is_ident("cfg_attr"))?;
    let mut elements = strip::split_commas(list.tokens.clone()).into_iter();
    let predicate = elements.next()?;
    Some((
        predicate,
        elements
            .filter_map(|element| Meta::parse.parse2(element).ok())
            .collect(),
    ))
}

/// Whether a function forwards its caller already, and if only conditionally, the `cfg` predicate.
pub(crate) fn track_caller<'a>(
    mut attributes: impl Iterator<Item = &'a Meta>,
) -> Option<Option<TokenStream>> {
    attributes.find_map(|meta| {
        if meta.path().is_ident("track_caller") {
            return Some(None);
        }
        let (predicate, attributes) = cfg_attr(meta)?;
        let inner = track_caller(attributes.iter())?;
        Some(Some(inner.map_or_else(
            || predicate.clone(),
            |inner| quote!(all(#predicate, #inner)),
        )))
    })
}
