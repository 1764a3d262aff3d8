//! Prints the instrumented item: an operation becomes a static that describes it, a guard that is held while the body runs, and
//! the body, mostly in a closure that is called at once (see [`crate::call`]).

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Path, Signature, Type};

use crate::args::{Access, Object};
use crate::call::{Call, returns_function};
use crate::model::{Block, Function, Kind, Member};
use crate::operation::{Conditional, Operation, track_caller};
use crate::receiver::Receiver;

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
        let Function {
            attributes,
            visibility,
            defaultness,
            signature,
            ..
        } = function;
        let site = if self.is_drop(signature) {
            CallSite::Definition
        } else {
            CallSite::of(signature, self.label.is_none())
        };
        let own = track_caller(attributes.iter().map(|attribute| &attribute.meta));
        let added = match &own {
            _ if site == CallSite::Definition => None,
            None => Some(quote_spanned!(Span::mixed_site()=> #[track_caller])),
            Some(Some(predicate)) => Some(
                quote_spanned!(Span::mixed_site()=> #[cfg_attr(not(#predicate), track_caller)]),
            ),
            Some(None) => None,
        };
        let head = quote!(#(#conditions)* #(#attributes)* #added #visibility #defaultness);
        let Some(body) = &function.body else {
            return quote!(#head #signature ;);
        };
        let body = Function::body_tokens(body);
        let declaration = self.declaration(signature, operation, false);
        let guard = guard(signature, operation, site);
        if own.is_some() || returns_function(&signature.output) {
            return quote!(#head #signature { #declaration #guard #body });
        }
        let Call {
            outer,
            helper,
            expression,
        } = Call::new(signature, &body, operation);
        quote!(#head #outer { #declaration #helper #guard #expression })
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

    fn is_drop(&self, signature: &Signature) -> bool {
        self.drops && signature.ident == "drop"
    }

    /// The static that describes the operation.
    fn declaration(
        &self,
        signature: &Signature,
        operation: &Operation,
        is_required: bool,
    ) -> TokenStream {
        let span = span_at(&signature.ident);
        let krate = crate_tokens(operation.arguments.krate.as_ref(), span);
        let private = quote_spanned!(span=> #krate::__private);
        let module = quote_spanned!(span=> #private::core::module_path!());
        let contract = match &self.label {
            Some(label) => quote_spanned!(span=> #private::core::concat!(#module, "::", #label)),
            None => module,
        };
        let name = signature.ident.unraw().to_string();
        let access = match operation.access {
            Access::Read => quote_spanned!(span=> Read),
            Access::Write => quote_spanned!(span=> Write),
            Access::Update => quote_spanned!(span=> Update),
        };
        let role = operation
            .arguments
            .role
            .as_ref()
            .map(|role| quote_spanned!(span=> .with_role(#role)));
        // Another object than the value itself outlives it.
        let ends_object = self.is_drop(signature) && operation.arguments.object.is_none();
        let dropping = ends_object.then(|| quote_spanned!(span=> .dropping()));
        let declared = is_required.then(|| quote_spanned!(span=> .declared()));
        // The call has the span of the name, or its location would be the attribute's.
        let location = quote_spanned!(signature.ident.span()=> Location::caller());
        let definition = quote_spanned!(span=> { use #private::core::panic::Location; #location });
        quote_spanned! {span=>
            #krate::__operation! {
                __TSVD_OPERATION =
                    #private::Operation::new(#contract, #name, #private::Access::#access, #definition) #role #dropping #declared
            }
        }
    }
}

/// Whose line a call is reported at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallSite {
    Caller,
    /// Nobody in Rust calls, or nobody hands on from where.
    Definition,
}

impl CallSite {
    fn of(signature: &Signature, is_free: bool) -> Self {
        let is_rust = signature
            .abi
            .as_ref()
            .is_none_or(|abi| abi.name.as_ref().is_some_and(|name| name.value() == "Rust"));
        let is_main = is_free && signature.ident == "main";
        if is_rust && !is_main {
            Self::Caller
        } else {
            Self::Definition
        }
    }
}

/// The statement that checks, perhaps delays, and holds the operation in flight.
fn guard(signature: &Signature, operation: &Operation, site: CallSite) -> TokenStream {
    let span = span_at(&signature.ident);
    let arguments = &operation.arguments;
    let krate = |span| crate_tokens(arguments.krate.as_ref(), span);
    let private = |span| {
        let krate = krate(span);
        quote_spanned!(span=> #krate::__private)
    };
    let receiver = signature.receiver().map(Receiver::new);
    let object = match (&arguments.object, &receiver) {
        (Some(Object::Place(place)), _) => {
            let span = span_at(place);
            let krate = krate(span);
            quote_spanned!(span=> #krate::__place!(#place))
        }
        (Some(Object::Resource(name)), _) => {
            let span = span_at(name);
            let private = private(span);
            quote_spanned!(span=> #private::Object::resource(#name))
        }
        (Some(Object::Id(id)), _) => {
            let span = span_at(id);
            let private = private(span);
            quote_spanned!(span=> #private::Object::id(&(#id)))
        }
        (None, Some(receiver)) => receiver.object(&krate(span), span),
        (None, None) => unreachable!("validated: a function without `self` names its object"),
    };
    let (traits, key) = match &arguments.key {
        Some(key) => {
            let span = span_at(key);
            let private = private(span);
            (
                quote_spanned! {span=>
                    use #private::DebugKey as _;
                    use #private::PlainKey as _;
                },
                quote_spanned! {span=>
                    #private::core::option::Option::Some((&#private::KeyProbe(&(#key))).key())
                },
            )
        }
        None => {
            let private = private(span);
            (
                TokenStream::new(),
                quote_spanned!(span=> #private::core::option::Option::None),
            )
        }
    };
    let private = private(span);
    let site = match site {
        CallSite::Caller => quote_spanned!(span=> #private::core::panic::Location::caller()),
        CallSite::Definition => quote_spanned!(span=> __TSVD_OPERATION.definition()),
    };
    let enter = quote_spanned!(span=> #private::enter(&__TSVD_OPERATION, #site, #object, #key));
    if arguments.object.is_none() && receiver.is_some_and(|receiver| receiver.is_consumed()) {
        // The object may be gone before the body ends: in flight for the check and the delay only.
        return quote_spanned!(span=> if #private::enabled() { #traits #private::core::mem::drop(#enter); });
    }
    quote_spanned! {span=>
        let __tsvd_guard = if #private::enabled() { #traits #enter } else { #private::Guard::inert() };
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
