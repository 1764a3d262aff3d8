//! What is in flight while a body runs, an operation or a region: the static that describes it, and how it is entered.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Expr, Ident, Path, Signature};

use crate::args::{Access, Object};
use crate::call::closure_output;
use crate::expand::{crate_tokens, span_at};
use crate::operation::Operation;
use crate::receiver::Receiver;

/// What the static of an operation says besides its name and access.
pub(crate) struct Declared<'a> {
    /// What follows the module in the name of the contract.
    pub(crate) label: Option<&'a str>,
    /// Whether it is `Drop::drop`.
    pub(crate) is_drop: bool,
    pub(crate) is_required: bool,
}

/// The static that describes an operation.
pub(crate) fn declaration(
    signature: &Signature,
    operation: &Operation,
    declared: &Declared<'_>,
) -> TokenStream {
    let span = span_at(&signature.ident);
    let krate = crate_tokens(operation.arguments.krate.as_ref(), span);
    let private = quote_spanned!(span=> #krate::__private);
    let module = quote_spanned!(span=> #private::core::module_path!());
    let contract = match &declared.label {
        Some(label) => quote_spanned!(span=> #private::core::concat!(#module, "::", #label)),
        None => module,
    };
    let name = signature.ident.unraw().to_string();
    let access = match operation.access {
        Access::Read => quote_spanned!(span=> Read),
        Access::Write => quote_spanned!(span=> Write),
        Access::Update => quote_spanned!(span=> Update),
    };
    let arguments = &operation.arguments;
    let role = arguments
        .role
        .as_ref()
        .map(|role| quote_spanned!(span=> .with_role(#role)));
    // Another object than the value itself outlives it.
    let ends_object = declared.is_drop && arguments.object.is_none();
    let dropping = ends_object.then(|| quote_spanned!(span=> .dropping()));
    let required = declared
        .is_required
        .then(|| quote_spanned!(span=> .declared()));
    let thread_safe = arguments
        .thread_safe
        .then(|| quote_spanned!(span=> .thread_safe()));
    let definition = definition(signature, &private);
    quote_spanned! {span=>
        #krate::__operation! {
            __TSVD_OPERATION =
                #private::Operation::new(#contract, #name, #private::Access::#access, #definition) #role #dropping #required #thread_safe
        }
    }
}

/// Where the function is written. The call has the span of its name, or its location would be the attribute's.
fn definition(signature: &Signature, private: &TokenStream) -> TokenStream {
    let span = span_at(&signature.ident);
    let location = quote_spanned!(signature.ident.span()=> Location::caller());
    quote_spanned!(span=> { use #private::core::panic::Location; #location })
}

/// Whose line a call is reported at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallSite {
    Caller,
    /// Nobody in Rust calls, or nobody hands on from where.
    Definition,
}

impl CallSite {
    pub(crate) fn of(signature: &Signature, is_free: bool) -> Self {
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

/// How a function says that it runs.
pub(crate) struct Flight<'a> {
    pub(crate) site: CallSite,
    /// The object may be gone before the body ends: in flight for the check and the delay only.
    pub(crate) is_consumed: bool,
    /// Which of the operation's results mean that it wrote.
    pub(crate) when: Option<&'a Expr>,
    pub(crate) krate: Option<&'a Path>,
    pub(crate) private: TokenStream,
    /// At the name of the function.
    pub(crate) span: Span,
    /// Where the function is written.
    definition: TokenStream,
    subject: Subject,
}

enum Subject {
    Operation {
        is_thread_safe: bool,
        /// What brings the methods of `key` into scope.
        traits: TokenStream,
        object: TokenStream,
        key: TokenStream,
    },
    Region,
}

impl<'a> Flight<'a> {
    pub(crate) fn of_operation(
        signature: &Signature,
        operation: &'a Operation,
        site: CallSite,
    ) -> Self {
        let arguments = &operation.arguments;
        let receiver = signature.receiver().map(Receiver::new);
        let subject = Subject::Operation {
            is_thread_safe: arguments.thread_safe,
            traits: traits(operation),
            object: object(signature, operation),
            key: key(signature, operation),
        };
        let is_consumed =
            arguments.object.is_none() && receiver.is_some_and(|receiver| receiver.is_consumed());
        Self {
            is_consumed,
            when: arguments.when.as_ref().map(|(_, when)| when),
            ..Self::new(signature, arguments.krate.as_ref(), site, subject)
        }
    }

    pub(crate) fn of_region(
        signature: &Signature,
        krate: Option<&'a Path>,
        site: CallSite,
    ) -> Self {
        Self::new(signature, krate, site, Subject::Region)
    }

    fn new(
        signature: &Signature,
        krate: Option<&'a Path>,
        site: CallSite,
        subject: Subject,
    ) -> Self {
        let span = span_at(&signature.ident);
        let tokens = crate_tokens(krate, span);
        let private = quote_spanned!(span=> #tokens::__private);
        Self {
            krate,
            site,
            is_consumed: false,
            when: None,
            definition: match subject {
                Subject::Operation { .. } => quote_spanned!(span=> __TSVD_OPERATION.definition()),
                Subject::Region => definition(signature, &private),
            },
            private,
            span,
            subject,
        }
    }

    /// The statement of a function that enters, and holds it in flight until it returns.
    pub(crate) fn guard(&self) -> TokenStream {
        let Self { span, private, .. } = self;
        let site = match self.site {
            CallSite::Caller => quote_spanned!(*span=> #private::core::panic::Location::caller()),
            CallSite::Definition => self.definition.clone(),
        };
        let (guard, traits, enter) = match &self.subject {
            Subject::Operation {
                is_thread_safe,
                traits,
                object,
                key,
            } => {
                let (guard, enter) = if *is_thread_safe {
                    (
                        quote_spanned!(*span=> AccessGuard),
                        quote_spanned!(*span=> access),
                    )
                } else {
                    (quote_spanned!(*span=> Guard), quote_spanned!(*span=> enter))
                };
                let enter = quote_spanned!(*span=> #private::#enter(&__TSVD_OPERATION, #site, #object, #key));
                (guard, traits.clone(), enter)
            }
            Subject::Region => (
                quote_spanned!(*span=> RegionGuard),
                TokenStream::new(),
                quote_spanned!(*span=> #private::region(&__TSVD_REGION, #site)),
            ),
        };
        if self.is_consumed {
            return quote_spanned!(*span=> if #private::enabled() { #traits #private::core::mem::drop(#enter); });
        }
        quote_spanned! {*span=>
            let __tsvd_guard = if #private::enabled() { #traits #enter } else { #private::#guard::inert() };
        }
    }

    /// What [`Self::guard`] declares: the guard, unless it is gone already.
    pub(crate) fn guard_name(&self) -> Option<Ident> {
        (!self.is_consumed).then(|| Ident::new("__tsvd_guard", self.span))
    }

    /// The body, and after it whether it wrote: all returns lead there from within a closure that borrows the parameters.
    pub(crate) fn outcome(&self, signature: &Signature, body: TokenStream) -> TokenStream {
        let Self { span, private, .. } = self;
        let Some(when) = &self.when else {
            return body;
        };
        let output = closure_output(&signature.output, *span);
        quote_spanned! {*span=> {
            let __tsvd_result = #private::call0(|| -> #output #body);
            if #private::enabled() {
                __tsvd_guard.when(#private::call_with(&__tsvd_result, #when));
            }
            __tsvd_result
        }}
    }

    /// What ends it in an `async fn`, declared by [`Self::begin`]: the last of its body's parameters.
    pub(crate) fn end_name(&self) -> Option<Ident> {
        (!self.is_consumed).then(|| Ident::new("__tsvd_end", self.span))
    }

    /// What is captured at the call, whenever the future is polled.
    pub(crate) fn called(&self) -> TokenStream {
        let Self { span, private, .. } = self;
        match self.site {
            CallSite::Caller => quote_spanned!(*span=> #private::Called::now()),
            CallSite::Definition => {
                let definition = &self.definition;
                quote_spanned!(*span=> #private::Called::at(#definition))
            }
        }
    }

    /// The statements that begin what is in flight as long as a future runs, and declare what ends it from within.
    pub(crate) fn begin(&self, called: &TokenStream) -> TokenStream {
        let span = self.span;
        let begin = self.begin_by(called, &quote_spanned!(span=> begin));
        let end = self.end_name().map(
            |end| quote_spanned!(span=> let (__tsvd_operating, #end) = __tsvd_operating.with_end();),
        );
        quote_spanned!(span=> #begin #end)
    }

    /// The same for the future that a function returns, whose body has run.
    pub(crate) fn begin_returned(&self) -> TokenStream {
        let span = self.span;
        self.begin_by(&self.called(), &quote_spanned!(span=> begin_returned))
    }

    fn begin_by(&self, called: &TokenStream, begin: &TokenStream) -> TokenStream {
        let Self { span, private, .. } = self;
        let (inert, traits, begin) = match &self.subject {
            Subject::Operation {
                traits,
                object,
                key,
                ..
            } => (
                quote_spanned!(*span=> Operating),
                traits.clone(),
                quote_spanned!(*span=> #private::#begin(&__TSVD_OPERATION, #called, #object, #key)),
            ),
            Subject::Region => (
                quote_spanned!(*span=> OperatingRegion),
                TokenStream::new(),
                quote_spanned!(*span=> #private::begin_region(&__TSVD_REGION, #called)),
            ),
        };
        quote_spanned! {*span=>
            let __tsvd_operating = if #private::enabled() { #traits #begin } else { #private::#inert::inert() };
        }
    }
}

/// The object that an operation acts on.
fn object(signature: &Signature, operation: &Operation) -> TokenStream {
    let arguments = &operation.arguments;
    let krate = |span| crate_tokens(arguments.krate.as_ref(), span);
    match (&arguments.object, signature.receiver()) {
        (Some(Object::Place(place)), _) => {
            let span = span_at(place);
            let krate = krate(span);
            quote_spanned!(span=> #krate::__place!(#place))
        }
        (Some(Object::Resource(name)), _) => {
            let span = span_at(name);
            let krate = krate(span);
            quote_spanned!(span=> #krate::__private::Object::resource(#name))
        }
        (Some(Object::Id(id)), _) => {
            let span = span_at(id);
            let krate = krate(span);
            quote_spanned!(span=> #krate::__private::Object::id(&(#id)))
        }
        (None, Some(receiver)) => {
            let span = span_at(&signature.ident);
            Receiver::new(receiver).object(&krate(span), span)
        }
        (None, None) => unreachable!("validated: a function without `self` names its object"),
    }
}

fn traits(operation: &Operation) -> TokenStream {
    let Some(key) = &operation.arguments.key else {
        return TokenStream::new();
    };
    let span = span_at(key);
    let krate = crate_tokens(operation.arguments.krate.as_ref(), span);
    quote_spanned! {span=>
        use #krate::__private::DebugKey as _;
        use #krate::__private::PlainKey as _;
    }
}

fn key(signature: &Signature, operation: &Operation) -> TokenStream {
    let key = operation.arguments.key.as_ref();
    let span = key.map_or_else(|| span_at(&signature.ident), span_at);
    let krate = crate_tokens(operation.arguments.krate.as_ref(), span);
    let private = quote_spanned!(span=> #krate::__private);
    match key {
        Some(key) => quote_spanned! {span=>
            #private::core::option::Option::Some((&#private::KeyProbe(&(#key))).key())
        },
        None => quote_spanned!(span=> #private::core::option::Option::None),
    }
}

/// The static that describes a region.
pub(crate) fn region(signature: &Signature, krate: Option<&Path>, is_strict: bool) -> TokenStream {
    let span = span_at(&signature.ident);
    let krate = crate_tokens(krate, span);
    let private = quote_spanned!(span=> #krate::__private);
    let name = signature.ident.unraw().to_string();
    let definition = definition(signature, &private);
    quote_spanned! {span=>
        static __TSVD_REGION: #private::Region =
            #private::Region::new(#private::core::module_path!(), #name, #is_strict, #definition);
    }
}
