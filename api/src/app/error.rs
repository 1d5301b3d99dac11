//! One error for all handlers, with two audiences: what the caller may know, and what the log must.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use shared::{
    bus::BusError,
    wire::{Code, FieldError, Problem},
};

/// Why a request was not done. Cheap to move; made on the path that fails.
#[derive(Debug, Clone)]
pub struct Error(Box<Content>);

#[derive(Debug, Clone)]
struct Content {
    code: Code,
    detail: String,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// When to come back, where nothing better is known. Balancers and clients add their jitter.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

impl Error {
    /// An error of this code; `detail` is for the caller's eyes.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let needs_time = matches!(code.status(), 429 | 503);
        Self(Box::new(Content {
            code,
            detail: detail.into(),
            fields: Vec::new(),
            retry_after: needs_time.then_some(RETRY_AFTER_DEFAULT),
            source: None,
        }))
    }

    /// There is no such thing, or the caller may not see it: the two are never told apart.
    pub fn not_found(thing: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {thing}"))
    }

    /// The caller is known, and not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// One field is not valid.
    pub fn field(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError {
            field: field.to_owned(),
            code: code.to_owned(),
            message: message.into(),
        }])
    }

    /// These fields are not valid.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let names: Vec<&str> = fields.iter().map(|error| error.field.as_str()).collect();
        let mut error = Self::new(Code::ValidationFailed, format!("see: {}", names.join(", ")));
        error.0.fields = fields;
        error
    }

    /// Something that is needed cannot be reached now; trying again is right.
    pub fn unavailable(thing: &str) -> Self {
        Self::new(Code::Unavailable, format!("{thing} is not available now"))
    }

    /// Our own fault, with its cause.
    pub fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "the request id leads to the log").because(source)
    }

    /// Our own fault, where the code contradicts itself.
    pub fn defect(what: &'static str) -> Self {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Defect(&'static str);
        Self::internal(Defect(what))
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The machine code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The cause, if it is of this type.
    pub fn source_as<T: StdError + 'static>(&self) -> Option<&T> {
        let source: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        source.downcast_ref()
    }

    /// What the caller gets.
    pub fn to_problem(&self) -> Problem {
        let mut problem = Problem::new(self.0.code, self.0.detail.clone());
        problem.errors.clone_from(&self.0.fields);
        problem.retry_after_ms = self
            .0
            .retry_after
            .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        problem
    }

    /// Writes it to the log, if it is ours to worry about. Called once, where it is answered.
    pub fn log(&self) {
        let code = self.0.code.name();
        let Some(source) = self.0.source.as_deref() else {
            return;
        };
        let cause = Causes(source);
        match self.0.code.status() {
            500 => tracing::error!(code, %cause, "request failed"),
            501.. => tracing::warn!(code, %cause, "request not served"),
            _ => tracing::debug!(code, %cause, "request refused"),
        }
    }
}

/// An error with everything that led to it.
struct Causes<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.detail)?;
        match self.0.source.as_deref() {
            Some(source) => write!(f, ": {}", Causes(source)),
            None => Ok(()),
        }
    }
}

impl StdError for Error {}

impl From<BusError> for Error {
    fn from(error: BusError) -> Self {
        Self::unavailable("the event bus").because(error)
    }
}
