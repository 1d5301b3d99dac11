//! The router of the public routes, which takes no route that does not describe itself.

use axum::{Router, handler, http::Method, routing::MethodRouter};
use shared::{flags::Flag, wire::Code};

use super::{handler::Described, operation::Operation};
use crate::app::{App, flags::guard};

/// A domain's public routes: what serves them, and what the document says of them.
#[derive(Default)]
pub struct Routes {
    router: Router<App>,
    guarded: Vec<(&'static Flag, Router<App>)>,
    entries: Vec<Entry>,
}

/// A route and method.
pub(super) struct Entry {
    pub(super) path: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) is_guarded: bool,
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
        let entries = entries.map(|endpoint| Entry {
            path,
            endpoint,
            is_guarded: false,
        });
        self.entries.extend(entries);
        self
    }

    /// All of these for those only who have the flag, and are signed in; to others they are `feature_unavailable`.
    #[must_use]
    pub fn behind(mut self, flag: &'static Flag) -> Self {
        let router = std::mem::take(&mut self.router);
        self.guarded.push((flag, router));
        for entry in &mut self.entries {
            entry.is_guarded = true;
        }
        self
    }

    /// These and those.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.guarded.extend(other.guarded);
        self.entries.extend(other.entries);
        self
    }

    /// What serves them, and what is to be said of them.
    pub(in crate::app) fn into_parts(self, app: &App) -> (Router<App>, super::Document) {
        let guarded = self.guarded.into_iter();
        let router = guarded.fold(self.router, |router, (flag, behind)| {
            router.merge(guard(behind, flag, app))
        });
        (router, super::Document::new(self.entries))
    }

    /// What is to be said of them.
    pub(super) fn into_document(self) -> super::Document {
        super::Document::new(self.entries)
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
