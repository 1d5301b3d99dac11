//! Why a gateway closes a connection, and what the client should do about it (SPEC §4).

/// What a client does after a close, told by the range of the code, so that an old client knows what to do with a code
/// that it has never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseAdvice {
    /// 4000 to 4099: stop; tell the user or log in again.
    Stop,
    /// 4100 to 4199: get a new token, reconnect once.
    NewToken,
    /// 4200 to 4299, and no code or 1006: reconnect with resume, with jittered back-off.
    Resume,
    /// 4300 to 4399: reconnect without resume.
    StartOver,
}

impl CloseAdvice {
    /// The advice for any code that a client can see; `None` for 1000, where there is nothing to do.
    pub fn for_code(code: u16) -> Option<Self> {
        match code {
            1000 => None,
            4000..=4099 => Some(Self::Stop),
            4100..=4199 => Some(Self::NewToken),
            4300..=4399 => Some(Self::StartOver),
            _ => Some(Self::Resume),
        }
    }
}

/// The reasons, each with its code on the wire and its label in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client said goodbye.
    Normal,
    /// The node is leaving; for clients that know no other code.
    GoingAway,
    /// RFC 6455 §7.4.1: the frame breaks the protocol.
    ProtocolError,
    /// The native protocol speaks text only.
    BinaryNotAccepted,
    /// A text frame that is not UTF-8.
    InvalidUtf8,
    /// A frame or message above the size limit.
    TooBig,
    /// No valid credentials came in time.
    Unauthenticated,
    /// The credentials do not allow this connection.
    Forbidden,
    /// The session was logged out or revoked.
    SessionRevoked,
    /// Too many frames that could not be read.
    TooManyMalformedFrames,
    /// The client asked for a protocol version that this node does not speak.
    UnsupportedVersion,
    /// The user opened more connections than allowed; this was the oldest. Terminal: a client that came back by itself
    /// would evict another for ever.
    ReplacedByNewer,
    /// The access token ran out.
    TokenExpired,
    /// The node is draining; resume elsewhere.
    Draining,
    /// The client read more slowly than its events came; resume brings what was cut off.
    SlowConsumer,
    /// The node lost its place in a channel and could not heal it.
    PositionLost,
    /// Too many commands.
    RateLimited,
    /// The node cannot take the connection now.
    Overloaded,
    /// Two silent heartbeat intervals.
    HeartbeatMissed,
    /// What the client gave to resume from makes no sense.
    SessionStateInvalid,
}

impl CloseReason {
    /// Every reason, for tables in documents and for metrics that start at zero.
    pub const ALL: [Self; 20] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::BinaryNotAccepted,
        Self::InvalidUtf8,
        Self::TooBig,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::SessionRevoked,
        Self::TooManyMalformedFrames,
        Self::UnsupportedVersion,
        Self::ReplacedByNewer,
        Self::TokenExpired,
        Self::Draining,
        Self::SlowConsumer,
        Self::PositionLost,
        Self::RateLimited,
        Self::Overloaded,
        Self::HeartbeatMissed,
        Self::SessionStateInvalid,
    ];

    /// The WebSocket close code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::BinaryNotAccepted => 1003,
            Self::InvalidUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Unauthenticated => 4001,
            Self::Forbidden => 4003,
            Self::SessionRevoked => 4004,
            Self::TooManyMalformedFrames => 4006,
            Self::UnsupportedVersion => 4007,
            Self::ReplacedByNewer => 4008,
            Self::TokenExpired => 4100,
            Self::Draining => 4200,
            Self::SlowConsumer => 4201,
            Self::PositionLost => 4202,
            Self::RateLimited => 4203,
            Self::Overloaded => 4204,
            Self::HeartbeatMissed => 4205,
            Self::SessionStateInvalid => 4300,
        }
    }

    /// The `code` of the reason text, and the label in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::GoingAway => "going_away",
            Self::ProtocolError => "protocol_error",
            Self::BinaryNotAccepted => "binary_not_accepted",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TooBig => "too_big",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::SessionRevoked => "session_revoked",
            Self::TooManyMalformedFrames => "too_many_malformed_frames",
            Self::UnsupportedVersion => "unsupported_version",
            Self::ReplacedByNewer => "replaced_by_newer",
            Self::TokenExpired => "token_expired",
            Self::Draining => "draining",
            Self::SlowConsumer => "slow_consumer",
            Self::PositionLost => "position_lost",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::HeartbeatMissed => "heartbeat_missed",
            Self::SessionStateInvalid => "session_state_invalid",
        }
    }

    /// The reason text of the close frame: JSON of at most 123 bytes (RFC 6455 §5.5).
    pub fn text(self, retry_after_ms: Option<u64>) -> String {
        match retry_after_ms {
            Some(ms) => format!(r#"{{"code":"{}","retry_after_ms":{ms}}}"#, self.name()),
            None => format!(r#"{{"code":"{}"}}"#, self.name()),
        }
    }
}
