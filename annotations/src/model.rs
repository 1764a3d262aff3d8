//! An annotated item as this crate sees it: signatures are parsed, bodies and all other items stay the user's tokens.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, LitStr, Path, Signature, Token, Type, Visibility};

use crate::args::Arguments;
use crate::errors::Errors;
use crate::operation::{Conditional, Operation, take_operations};

/// An impl block or trait under `contract`.
pub(crate) struct Block {
    /// Everything before the braces.
    pub(crate) head: TokenStream,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) kind: Kind,
    /// The braces, for their place in the source.
    pub(crate) braces: Group,
    pub(crate) inner_attributes: Vec<Attribute>,
    pub(crate) members: Vec<Member>,
}

pub(crate) enum Kind {
    Impl {
        of: Option<Path>,
        for_type: Box<Type>,
    },
    Trait(Ident),
}

pub(crate) enum Member {
    Function(Box<Function>),
    Other(TokenStream),
}

/// A method or free function.
pub(crate) struct Function {
    /// Without those of this crate.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) signature: Signature,
    /// `None` for a method that a trait requires.
    pub(crate) body: Option<Group>,
    pub(crate) operations: Vec<Conditional>,
}

impl Block {
    /// Reads the item under `contract`; `None` if it is neither an impl block nor a trait.
    pub(crate) fn parse(
        item: TokenStream,
        krate: Option<&str>,
        errors: &mut Errors,
    ) -> syn::Result<Option<Self>> {
        let mut trees: Vec<TokenTree> = item.into_iter().collect();
        let braces = match trees.pop() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
            // A `macro_rules!` fragment.
            Some(TokenTree::Group(group))
                if group.delimiter() == Delimiter::None && trees.is_empty() =>
            {
                return Self::parse(group.stream(), krate, errors);
            }
            _ => return Ok(None),
        };
        let head: TokenStream = trees.into_iter().collect();
        let (attributes, kind) = match syn::parse2(quote!(#head {}))? {
            syn::Item::Impl(item) => (
                item.attrs,
                Kind::Impl {
                    of: item.trait_.map(|(path, _)| path),
                    for_type: item.self_ty,
                },
            ),
            syn::Item::Trait(item) => (item.attrs, Kind::Trait(item.ident)),
            _ => return Ok(None),
        };
        let parser = |input: ParseStream<'_>| {
            let inner_attributes = input.call(Attribute::parse_inner)?;
            let mut members = Vec::new();
            while !input.is_empty() {
                members.push(Member::parse(input, krate, errors)?);
            }
            Ok((inner_attributes, members))
        };
        let (inner_attributes, members) = parser.parse2(braces.stream())?;
        Ok(Some(Self {
            head,
            attributes,
            kind,
            braces,
            inner_attributes,
            members,
        }))
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.members.iter().filter_map(|member| match member {
            Member::Function(function) => Some(&**function),
            Member::Other(_) => None,
        })
    }

    fn functions_mut(&mut self) -> impl Iterator<Item = &mut Function> {
        self.members.iter_mut().filter_map(|member| match member {
            Member::Function(function) => Some(&mut **function),
            Member::Other(_) => None,
        })
    }

    /// Makes operations of the methods that the sets of `contract` name, and hands its other arguments to every operation.
    pub(crate) fn apply(&mut self, contract: &Arguments, errors: &mut Errors) {
        let mut named: Vec<&Ident> = Vec::new();
        for (access, name) in contract
            .sets
            .iter()
            .flat_map(|set| set.names.iter().map(|name| (set.access, name)))
        {
            if named.contains(&name) {
                errors.at(
                    name,
                    format!("`{name}` is named twice: an operation has one access"),
                );
                continue;
            }
            named.push(name);
            let mut found = false;
            for function in self
                .functions_mut()
                .filter(|function| function.signature.ident == *name)
            {
                found = true;
                if function.operations.is_empty() {
                    let arguments = Arguments::default();
                    let operation = Operation {
                        access,
                        declared: name.to_token_stream(),
                        arguments,
                    };
                    function.operations.push(Conditional {
                        predicate: None,
                        operation,
                    });
                } else {
                    errors.at(
                        name,
                        format!("`{name}` has an attribute of its own: keep that or its name here"),
                    );
                }
            }
            if !found {
                errors.at(name, format!("`{name}` is not a method of this block"));
            }
        }
        for conditional in self
            .functions_mut()
            .flat_map(|function| &mut function.operations)
        {
            let operation = &mut conditional.operation;
            operation.arguments = std::mem::take(&mut operation.arguments).or(contract);
        }
    }
}

impl Member {
    fn parse(
        input: ParseStream<'_>,
        krate: Option<&str>,
        errors: &mut Errors,
    ) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        if is_function(input) {
            return Function::parse_rest(attributes, visibility, input, krate, errors)
                .map(|function| Self::Function(Box::new(function)));
        }
        let (attributes, operations) = take_operations(attributes, krate, errors);
        for Conditional { operation, .. } in operations {
            let name = operation.access.name();
            errors.at(
                operation.declared,
                format!("`{name}` belongs on a method: nothing else is called"),
            );
        }
        let mut tokens = quote!(#(#attributes)* #visibility);
        // A constant or type ends with a semicolon, a macro call with a semicolon or braces.
        let is_call =
            !input.peek(Token![const]) && !input.peek(Token![type]) && !input.peek(Token![default]);
        loop {
            let tree: TokenTree = input.parse()?;
            let end = match &tree {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Group(group) => is_call && group.delimiter() == Delimiter::Brace,
                _ => false,
            };
            tokens.extend([tree]);
            if end || input.is_empty() {
                return Ok(Self::Other(tokens));
            }
        }
    }
}

impl Function {
    /// Reads a free function; `None` if the item is none.
    pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> syn::Result<Option<Self>> {
        let parser = |input: ParseStream<'_>| {
            let attributes = input.call(Attribute::parse_outer)?;
            let visibility: Visibility = input.parse()?;
            if !is_function(input) {
                input.parse::<TokenStream>()?;
                return Ok(None);
            }
            Self::parse_rest(attributes, visibility, input, None, errors).map(Some)
        };
        parser.parse2(item)
    }

    fn parse_rest(
        attributes: Vec<Attribute>,
        visibility: Visibility,
        input: ParseStream<'_>,
        krate: Option<&str>,
        errors: &mut Errors,
    ) -> syn::Result<Self> {
        let (mut attributes, operations) = take_operations(attributes, krate, errors);
        let defaultness = input.parse()?;
        let signature: Signature = input.parse()?;
        let body = if input.parse::<Option<Token![;]>>()?.is_some() {
            None
        } else {
            let body = braces(input.parse()?)?;
            attributes.extend(inner_attributes(&body)?);
            Some(body)
        };
        Ok(Self {
            attributes,
            visibility,
            defaultness,
            signature,
            body,
            operations,
        })
    }

    /// The name as the user says it.
    pub(crate) fn name(&self) -> String {
        self.signature.ident.unraw().to_string()
    }

    /// The position and tokens of the body without the attributes at its start, which [`inner_attributes`] has taken.
    pub(crate) fn body_tokens(body: &Group) -> TokenStream {
        let parser = |input: ParseStream<'_>| {
            let attributes = input.call(Attribute::parse_inner)?;
            let statements: TokenStream = input.parse()?;
            Ok((attributes.is_empty(), statements))
        };
        match parser.parse2(body.stream()) {
            Ok((false, statements)) => {
                let mut group = Group::new(Delimiter::Brace, statements);
                group.set_span(body.span());
                group.into_token_stream()
            }
            _ => body.to_token_stream(),
        }
    }
}

/// The braces of a body, also where the body was a `macro_rules!` fragment.
fn braces(tree: TokenTree) -> syn::Result<Group> {
    match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Ok(group),
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            braces(syn::parse2(group.stream())?)
        }
        other => Err(syn::Error::new(
            other.span(),
            "expected the body of a function",
        )),
    }
}

/// The attributes that a body has at its start, as attributes before its function: a closure's body takes none.
fn inner_attributes(body: &Group) -> syn::Result<Vec<Attribute>> {
    let parser = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_inner)?;
        input.parse::<TokenStream>()?;
        Ok(attributes)
    };
    let mut attributes = parser.parse2(body.stream())?;
    for attribute in &mut attributes {
        attribute.style = syn::AttrStyle::Outer;
    }
    Ok(attributes)
}

fn is_function(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let advanced = if ahead.peek(Token![extern]) {
            ahead.parse::<Token![extern]>().is_ok() && ahead.parse::<Option<LitStr>>().is_ok()
        } else {
            let qualifiers = ["default", "const", "async", "unsafe", "safe"];
            ahead
                .call(Ident::parse_any)
                .is_ok_and(|word| qualifiers.contains(&word.to_string().as_str()))
        };
        if !advanced {
            return false;
        }
    }
}
