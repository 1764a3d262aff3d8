//! Prints the instrumented item: an operation becomes a static that describes it, a guard that is held while the body runs, and
//! the body, mostly in a closure that is called at once (see [`crate::call`]).

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Path, Signature, Type};

use crate::args::{Arguments, named_variables};
use crate::call::{Call, nested, returns_function};
use crate::flight::{self, CallSite, Declared, Flight};
use crate::future::{self, Form};
use crate::model::{Block, Function, Kind, Member};
use crate::operation::{Conditional, Operation, track_caller};

/// Offers both items to the mode that `tsvd` is built in.
pub(crate) fn select(
    krate: Option<&Path>,
    original: &TokenStream,
    instrumented: &TokenStream,
) -> TokenStream {
    let span = Span::mixed_site();
    let krate = crate_tokens(krate, span);
    quote_spanned!(span=> #krate::__select! { { #original } { #instrumented } })
}

/// An impl block or trait with its operations instrumented.
pub(crate) fn block(block: &Block) -> TokenStream {
    let context = Context::of(&block.kind);
    let members = block.members.iter().map(|member| match member {
        Member::Function(function) => context.method(function),
        Member::Other(tokens) => tokens.clone(),
    });
    let head = &block.head;
    let inner_attributes = &block.inner_attributes;
    let content = quote!(#(#inner_attributes)* #(#members)*);
    let mut braces = Group::new(Delimiter::Brace, content);
    braces.set_span(block.braces.span());
    let required = block.members.iter().map(|member| match member {
        Member::Function(function) if function.body.is_none() => context.required(function),
        _ => TokenStream::new(),
    });
    quote!(#head #braces #(#required)*)
}

/// A free function as an operation.
pub(crate) fn free(function: &Function, operation: &Operation) -> TokenStream {
    Context {
        label: None,
        drops: false,
    }
    .operation(function, operation, &[])
}

/// A function as a region that is expected to be atomic.
pub(crate) fn region(function: &Function, body: &Group, arguments: &Arguments) -> TokenStream {
    let signature = &function.signature;
    let krate = arguments.krate.as_ref();
    // Nothing tells the methods of `Drop` from others here.
    let site = if signature.receiver().is_some() && signature.ident == "drop" {
        CallSite::Definition
    } else {
        CallSite::of(signature, signature.receiver().is_none())
    };
    let declaration = flight::region(signature, krate, arguments.strict);
    let flight = Flight::of_region(signature, krate, site);
    let form = Form::of(signature, arguments);
    instrument(function, body, &declaration, &flight, form, &[], &[])
}

/// A function that says when it runs.
fn instrument(
    function: &Function,
    body: &Group,
    declaration: &TokenStream,
    flight: &Flight<'_>,
    form: Form,
    used: &[Ident],
    conditions: &[TokenStream],
) -> TokenStream {
    let signature = &function.signature;
    let head = head(function, flight.site, form, conditions);
    let body = Function::body_tokens(body);
    let own = track_caller(function.attributes.iter().map(|attribute| &attribute.meta));
    if form == Form::Async {
        let (outer, expression) = future::asynchronous(signature, &body, flight, used);
        return quote!(#head #outer { #declaration #expression });
    }
    let hides_function = form == Form::Call && returns_function(&signature.output);
    let guard = (form == Form::Call).then(|| flight.guard_name()).flatten();
    let end = (form != Form::Call).then(|| flight.end_name()).flatten();
    let block = end.and_then(|end| future::only_block(&body, &end));
    let begins = block.is_some();
    let body = block.unwrap_or(body);
    let (outer, helper, call) = if own.is_some() || hides_function {
        (signature.clone(), None, nested(&body))
    } else {
        let body = match form {
            Form::Call => flight.outcome(signature, body),
            _ => body,
        };
        let Call {
            outer,
            helper,
            expression,
            ..
        } = Call::new(signature, &body, flight, guard, used);
        (outer, helper, expression)
    };
    let statements = if form == Form::Call {
        let guard = flight.guard();
        quote!(#guard #call)
    } else {
        future::returned(&signature.output, &call, flight, form, begins)
    };
    quote!(#head #outer { #declaration #helper #statements })
}

/// What stands before the signature.
fn head(
    function: &Function,
    site: CallSite,
    form: Form,
    conditions: &[TokenStream],
) -> TokenStream {
    let Function {
        attributes,
        visibility,
        defaultness,
        ..
    } = function;
    let own = track_caller(attributes.iter().map(|attribute| &attribute.meta));
    let added = match &own {
        _ if site == CallSite::Definition => None,
        None => Some(quote_spanned!(Span::mixed_site()=> #[track_caller])),
        Some(Some(predicate)) => {
            Some(quote_spanned!(Span::mixed_site()=> #[cfg_attr(not(#predicate), track_caller)]))
        }
        Some(None) => None,
    };
    // On an `async fn` it is said of the output, elsewhere of the future, which must be used anyway.
    let attributes = attributes
        .iter()
        .filter(|attribute| form != Form::Async || !attribute.path().is_ident("must_use"));
    quote!(#(#conditions)* #(#attributes)* #added #visibility #defaultness)
}

/// What the operations of one item share.
struct Context {
    /// What follows the module in the name of the contract.
    label: Option<String>,
    /// Whether this is an implementation of `Drop`.
    drops: bool,
}

impl Context {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Trait(name) => Self {
                label: Some(name.to_string()),
                drops: false,
            },
            Kind::Impl { of, for_type } => {
                let last = of.as_ref().and_then(|path| path.segments.last());
                Self {
                    label: Some(type_label(for_type)),
                    drops: last.is_some_and(|segment| segment.ident == "Drop"),
                }
            }
        }
    }

    /// A method, once for each `cfg` under which it is a different operation.
    fn method(&self, function: &Function) -> TokenStream {
        let mut copies = TokenStream::new();
        let mut predicates = Vec::new();
        for Conditional {
            predicate,
            operation,
        } in &function.operations
        {
            let condition = predicate
                .as_ref()
                .map(|predicate| quote!(#[cfg(#predicate)]));
            copies.extend(self.operation(function, operation, condition.as_slice()));
            match predicate {
                Some(predicate) => predicates.push(predicate),
                None => return copies,
            }
        }
        let condition =
            (!predicates.is_empty()).then(|| quote!(#[cfg(not(any(#(#predicates),*)))]));
        let Function {
            attributes,
            visibility,
            defaultness,
            signature,
            body,
            ..
        } = function;
        let body = match body {
            Some(body) => {
                let body = Function::body_tokens(body);
                quote!(#body)
            }
            None => quote!(;),
        };
        quote!(#copies #condition #(#attributes)* #visibility #defaultness #signature #body)
    }

    fn operation(
        &self,
        function: &Function,
        operation: &Operation,
        conditions: &[TokenStream],
    ) -> TokenStream {
        let signature = &function.signature;
        let site = if self.is_drop(signature) {
            CallSite::Definition
        } else {
            CallSite::of(signature, self.label.is_none())
        };
        let arguments = &operation.arguments;
        let form = Form::of_operation(signature, arguments);
        let Some(body) = &function.body else {
            let head = head(function, site, form, conditions);
            let mut signature = signature.clone();
            if form == Form::Async {
                future::hide(&mut signature, arguments.krate.as_ref());
            }
            return quote!(#head #signature ;);
        };
        let declaration = self.declaration(signature, operation, false);
        let flight = Flight::of_operation(signature, operation, site);
        let used = named_variables(arguments.expressions());
        instrument(
            function,
            body,
            &declaration,
            &flight,
            form,
            &used,
            conditions,
        )
    }

    /// What says that a required method is an operation, though it has no body to say so in.
    fn required(&self, function: &Function) -> TokenStream {
        let attributes = function.attributes.iter();
        let conditions: Vec<_> = attributes
            .filter(|attribute| attribute.path().is_ident("cfg"))
            .collect();
        let declared = function.operations.iter().map(|conditional| {
            let predicate = conditional.predicate.iter();
            let declaration = self.declaration(&function.signature, &conditional.operation, true);
            quote_spanned! {Span::mixed_site()=>
                #(#[cfg(#predicate)])* #(#conditions)* const _: () = { #declaration };
            }
        });
        declared.collect()
    }

    fn declaration(
        &self,
        signature: &Signature,
        operation: &Operation,
        is_required: bool,
    ) -> TokenStream {
        let declared = Declared {
            label: self.label.as_deref(),
            is_drop: self.is_drop(signature),
            is_required,
        };
        flight::declaration(signature, operation, &declared)
    }

    fn is_drop(&self, signature: &Signature) -> bool {
        self.drops && signature.ident == "drop"
    }
}

/// What a contract is called after: the last word of its type, without references and generics.
fn type_label(of: &Type) -> String {
    match of {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.unraw().to_string())
            .unwrap_or_default(),
        Type::Reference(reference) => type_label(&reference.elem),
        Type::Group(group) => type_label(&group.elem),
        Type::Paren(paren) => type_label(&paren.elem),
        other => other.to_token_stream().to_string(),
    }
}

pub(crate) fn crate_tokens(krate: Option<&Path>, span: Span) -> TokenStream {
    match krate {
        Some(path) => path.to_token_stream(),
        None => quote_spanned!(span=> ::tsvd),
    }
}

/// Ours in hygiene and edition, at the place of `tokens`, so that messages about what is printed point there.
pub(crate) fn span_at(tokens: &impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}
