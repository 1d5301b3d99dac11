//! Machine codes of errors: the same over HTTP (`problem+json`) and over sockets (`error` frames).
//!
//! A code is part of the contract: clients branch on it. Titles and details are for people and may change.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $retryable:literal, $title:literal;)*) => {
        /// What went wrong, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, for tables in documents.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// How it is spelled on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Whether the same request may succeed later, unchanged.
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// A short sentence for people, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The code of that name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

codes! {
    /// The text is not JSON.
    InvalidJson = "invalid_json", 400, false, "The body is not valid JSON";
    /// A path, header or query is malformed.
    InvalidRequest = "invalid_request", 400, false, "The request is malformed";
    /// Fields have wrong types or values; `errors` lists them.
    ValidationFailed = "validation_failed", 422, false, "Some fields are not valid";
    /// A socket command that nobody has registered.
    UnknownType = "unknown_type", 404, false, "There is no such command";
    /// No credentials, or credentials that are not valid.
    Unauthenticated = "unauthenticated", 401, false, "Sign in first";
    /// Log-in failed; which half was wrong is not said.
    InvalidCredentials = "invalid_credentials", 401, false, "The name or the password is wrong";
    /// The token was valid once.
    TokenExpired = "token_expired", 401, false, "The token has expired";
    /// The session behind the credentials was ended.
    SessionRevoked = "session_revoked", 401, false, "The session was ended";
    /// Signed in, but not allowed.
    Forbidden = "forbidden", 403, false, "This is not allowed";
    /// The `Origin` is not on the allow-list.
    OriginNotAllowed = "origin_not_allowed", 403, false, "This origin is not allowed";
    /// A cookie request that does not come from this site.
    CsrfRejected = "csrf_rejected", 403, false, "The request came from another site";
    /// The account is suspended.
    AccountSuspended = "account_suspended", 403, false, "The account is suspended";
    /// The recipient takes messages only from people they follow or are friends with.
    MessageNotAllowed = "message_not_allowed", 403, false, "This person does not take messages from you";
    /// The recipient has turned the sender's request down.
    MessageRequestRejected = "message_request_rejected", 403, false, "This person does not want messages from you";
    /// The recipient has not answered yet, and as many messages as may wait do.
    MessageRequestPending = "message_request_pending", 403, false, "This person has not accepted your messages yet";
    /// Only members of the group may do this.
    NotAMember = "not_a_member", 403, false, "Only members of the group may do this";
    /// The feature is switched off, or the caller does not have it.
    FeatureUnavailable = "feature_unavailable", 403, false, "Feature not available";
    /// Nobody is told who types in a group that large.
    TypingOff = "typing_off", 403, false, "Typing is not shown in groups this large";
    /// There is no such thing, or the caller may not see it.
    NotFound = "not_found", 404, false, "Not found";
    /// There is no invitation to the group, or not any more.
    NoInvitation = "no_invitation", 404, false, "There is no such invitation";
    /// The path exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, false, "The method is not allowed here";
    /// The state of things does not allow this.
    Conflict = "conflict", 409, false, "This conflicts with the present state";
    /// The group would be left without an owner.
    LastOwner = "last_owner", 409, false, "A group needs an owner";
    /// Nobody can be in more groups.
    TooManyGroups = "too_many_groups", 409, false, "Nobody can be in more groups";
    /// The connection is in as many live rooms as it may be.
    TooManyRooms = "too_many_rooms", 409, false, "The connection is in too many rooms";
    /// Somebody has this name.
    UsernameTaken = "username_taken", 409, false, "The username is taken";
    /// Somebody has this address.
    EmailTaken = "email_taken", 409, false, "The email address is taken";
    /// The same `client_message_id` came before with another content.
    IdempotencyConflict = "idempotency_conflict", 409, false, "The same key was used for another request";
    /// The author may no longer edit.
    EditWindowClosed = "edit_window_closed", 409, false, "The time for edits is over";
    /// The group event was cancelled.
    EventCancelled = "event_cancelled", 409, false, "The event was cancelled";
    /// The notification asks nothing, or not any more.
    NoAction = "no_action", 409, false, "This notification asks nothing";
    /// Acting on oneself where two people are needed.
    SelfNotAllowed = "self_not_allowed", 409, false, "This cannot be done to oneself";
    /// Above the size limit.
    PayloadTooLarge = "payload_too_large", 413, false, "The body is too large";
    /// Not `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, false, "The body must be application/json";
    /// Too many requests; `retry_after` says when.
    RateLimited = "rate_limited", 429, true, "Too many requests";
    /// Headers above the limit.
    HeadersTooLarge = "headers_too_large", 431, false, "The headers are too large";
    /// A defect of ours; the request id leads to the log.
    Internal = "internal", 500, false, "Something went wrong";
    /// A part that is needed cannot be reached now.
    Unavailable = "unavailable", 503, true, "A needed service is not available";
    /// The node has too much to do.
    Overloaded = "overloaded", 503, true, "The service is overloaded";
    /// The node is being shut down; another one will answer.
    Draining = "draining", 503, true, "The node is shutting down";
    /// The commit was sent but its outcome is not known; repeat with the same idempotency key.
    OutcomeUnknown = "outcome_unknown", 503, true, "The outcome is not known";
    /// It took too long.
    Timeout = "timeout", 504, true, "The request took too long";
}
