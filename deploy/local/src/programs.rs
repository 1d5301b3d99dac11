//! Our own programs: how `api` and `gateway` are started and told where everything is.

use crate::child::Launch;
use crate::instance::Instance;
use crate::name::Name;

impl Instance {
    /// `api` with a sub-command that only needs the database: `migrate`, `seed`.
    pub(crate) fn api_job(&self, subcommand: &str) -> Launch {
        Launch::new(self.program("api"))
            .args([subcommand])
            .env("DATABASE_URL", self.database_url())
            .env("LOG_FORMAT", "text")
    }

    /// `api serve`.
    pub(crate) fn api(&self, name: Name) -> Launch {
        self.served(Launch::new(self.program("api")), name)
            .env("DATABASE_URL", self.database_url())
            .env("API_ADDR", self.address(name))
            // There is no TLS in front of it here.
            .env("SECURE_COOKIES", "off")
            .env("DRAIN_DELAY", "500ms")
    }

    /// `gateway serve`. It talks to the pods of `api` directly: the balancer hides `/internal`.
    pub(crate) fn gateway(&self, name: Name) -> Launch {
        let apis = [Name::Api1, Name::Api2].map(|api| self.url(api)).join(",");
        self.served(Launch::new(self.program("gateway")), name)
            .env("API_URL", apis)
            .env("GATEWAY_ADDR", self.address(name))
            // Nobody waits here for a balancer that looks once a second, nor for two people to reconnect.
            .env("DRAIN_DELAY", "500ms")
            .env("DRAIN_WINDOW", "2s")
            .env("DRAIN_FLUSH", "3s")
            // A scrape of Prometheus, where there is one.
            .env(
                "METRICS_LINGER",
                if self.options().observe { "6s" } else { "0s" },
            )
    }

    /// What both need.
    fn served(&self, launch: Launch, name: Name) -> Launch {
        launch
            .args(["serve"])
            .env("NODE_NAME", name.as_str())
            .env("REDIS_URL", self.redis_url())
            .env("JWT_SECRET", self.jwt_secret())
            .env("METRICS_ADDR", self.metrics_address(name))
            .env("ALLOWED_ORIGINS", self.origins())
            .env(
                "RATE_LIMITS",
                if self.options().limits { "on" } else { "off" },
            )
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("LOG_FORMAT", "text")
    }
}
