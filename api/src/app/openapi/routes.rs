//! The router of the public routes, which takes no route that does not describe itself.

use axum::{Router, handler, http::Method, routing::MethodRouter};
use shared::wire::Code;

use super::{handler::Described, operation::Operation};
use crate::app::App;

/// A domain's public routes: what serves them, and what the document says of them.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    entries: Vec<Entry>,
}

/// A route and method.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) endpoint: Endpoint,
}

/// A method and its handler.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// The path of the handler's name in the code: `api::posts::routes::create_post`.
    pub(super) handler: &'static str,
    pub(super) describe: fn(&mut Operation<'_>),
    pub(super) problems: &'static [Code],
}

/// The methods of one path.
pub struct Methods {
    router: MethodRouter<App>,
    endpoints: Vec<Endpoint>,
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more path, relative to `/api/v1`.
    #[must_use]
    pub fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.router = self.router.route(path, methods.router);
        let entries = methods.endpoints.into_iter();
        let entries = entries.map(|endpoint| Entry { path, endpoint });
        self.entries.extend(entries);
        self
    }

    /// These and those.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.entries.extend(other.entries);
        self
    }

    /// What serves them, and what is to be said of them.
    pub(in crate::app) fn into_parts(self) -> (Router<App>, super::Document) {
        (self.router, super::Document::new(self.entries))
    }
}

macro_rules! methods {
    ($($name:ident $method:ident)*) => {
        $(
            #[doc = concat!("The handler of ", stringify!($method), ".")]
            pub fn $name<H, A, D>(handler: H) -> Methods
            where
                H: handler::Handler<A, App> + Described<D>,
                A: 'static,
            {
                let methods = Methods { router: MethodRouter::new(), endpoints: Vec::new() };
                methods.$name(handler)
            }
        )*

        impl Methods {
            $(
                #[doc = concat!("The handler of ", stringify!($method), " besides.")]
                #[must_use]
                pub fn $name<H, A, D>(mut self, handler: H) -> Self
                where
                    H: handler::Handler<A, App> + Described<D>,
                    A: 'static,
                {
                    self.router = self.router.$name(handler);
                    self.endpoints.push(Endpoint {
                        method: Method::$method,
                        handler: std::any::type_name::<H>(),
                        describe: H::describe,
                        problems: &[],
                    });
                    self
                }
            )*
        }
    };
}

methods! {
    get GET
    post POST
    put PUT
    patch PATCH
    delete DELETE
}

impl Methods {
    /// What the last named handler refuses beyond what its extractors do.
    #[must_use]
    pub fn refuses(mut self, problems: &'static [Code]) -> Self {
        if let Some(endpoint) = self.endpoints.last_mut() {
            endpoint.problems = problems;
        }
        self
    }
}
