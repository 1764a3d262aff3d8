//! What a receiver's syntax says about the object: where it is, and whether it outlives the call.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{PathArguments, ReceiverKind, Type};

/// A method's `self`.
pub(crate) struct Receiver<'a> {
    syntax: &'a syn::Receiver,
    /// How many references lead to `pointer`.
    references: usize,
    pointer: Pointer,
}

/// What is found behind the references.
enum Pointer {
    /// `Self` itself.
    Value,
    /// `Pin<&Self>`: something that borrows.
    Borrow,
    /// `Box<Self>`, `Arc<Self>` and the like.
    Owner,
}

impl<'a> Receiver<'a> {
    pub(crate) fn new(syntax: &'a syn::Receiver) -> Self {
        let (references, pointer) = match &syntax.kind {
            ReceiverKind::Reference(..) => (1, Pointer::Value),
            ReceiverKind::Typed(_, written) => peel(written),
            _ => (0, Pointer::Value),
        };
        Self {
            syntax,
            references,
            pointer,
        }
    }

    /// `self` or `self: Self`: the value moves into the call.
    pub(crate) fn is_moved_value(&self) -> bool {
        self.references == 0 && matches!(self.pointer, Pointer::Value)
    }

    /// Whether the call consumes what it is called on, so that the object may be gone before it returns.
    pub(crate) fn is_consumed(&self) -> bool {
        self.references == 0 && !matches!(self.pointer, Pointer::Borrow)
    }

    /// The object that is meant unless another is named.
    pub(crate) fn object(&self, krate: &TokenStream, span: Span) -> TokenStream {
        let own = self.syntax.self_token;
        let stars = std::iter::repeat_n(quote_spanned!(span=> *), self.references);
        match self.pointer {
            // Not `__place!`, which would follow a `Self` that is a pointer.
            Pointer::Value => {
                quote_spanned!(span=> #krate::__private::Object::place(& #(#stars)* #own))
            }
            Pointer::Borrow | Pointer::Owner => {
                quote_spanned!(span=> #krate::__place!(#(#stars)* #own))
            }
        }
    }
}

fn peel(written: &Type) -> (usize, Pointer) {
    match written {
        Type::Reference(reference) => {
            let (references, pointer) = peel(&reference.elem);
            (references + 1, pointer)
        }
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        Type::Ptr(_) => (0, Pointer::Borrow),
        Type::Path(path) if path.path.is_ident("Self") => (0, Pointer::Value),
        Type::Path(path) => {
            let pinned = path
                .path
                .segments
                .last()
                .filter(|segment| segment.ident == "Pin");
            let borrows = pinned
                .and_then(|pin| first_type(&pin.arguments))
                .is_some_and(|inner| peel(inner).0 > 0);
            (
                0,
                if borrows {
                    Pointer::Borrow
                } else {
                    Pointer::Owner
                },
            )
        }
        _ => (0, Pointer::Owner),
    }
}

/// The first type between the angle brackets.
pub(crate) fn first_type(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(argument) => Some(argument),
        _ => None,
    })
}
