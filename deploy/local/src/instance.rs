//! One Hubbub on this machine: where each part is, and how each is started and asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::child::{Child, Launch};
use crate::cli::UpOptions;
use crate::environment;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::name::Name;
use crate::page::Page;
use crate::ports::{Ports, Reserved};
use crate::postgres::{self, Postgres};
use crate::redis::{self, Redis};
use crate::secrets::Secrets;
use crate::user::{Owner, make_postgres_folder};
use crate::{balancer, probe};

/// The database of an instance.
const DATABASE: &str = "hubbub";

/// A store that an instance needs.
#[derive(Debug)]
enum Store<T> {
    /// Started by us.
    Ours(T),
    /// Somebody else's, at this URL.
    Elsewhere(String),
}

/// What an instance is made of. Knows how to start and ask each part; holds no process.
pub(crate) struct Instance {
    layout: Layout,
    options: UpOptions,
    programs: PathBuf,
    haproxy: PathBuf,
    secrets: Secrets,
    page: Page,
    postgres: Store<Postgres>,
    redis: Store<Redis>,
    ports: BTreeMap<Name, Ports>,
    reserved: BTreeMap<Name, Reserved>,
}

impl Instance {
    /// Finds the programs, makes folders and secrets, and takes a free port for everything.
    pub(crate) fn new(layout: &Layout, options: &UpOptions) -> Result<Self> {
        let secrets = Secrets::load_or_generate(&layout.secrets())?;
        let mut instance = Self {
            layout: layout.clone(),
            options: options.clone(),
            programs: Layout::programs(options.release)?,
            haproxy: balancer::find().ok_or_else(|| missing("haproxy"))?,
            postgres: find_postgres(layout, &secrets)?,
            redis: find_redis(layout, &secrets)?,
            secrets,
            page: Page::serve(layout)?,
            ports: BTreeMap::new(),
            reserved: BTreeMap::new(),
        };
        for name in Name::ALL {
            if instance.is_ours(name) {
                instance.choose_ports(name)?;
            }
        }
        Ok(instance)
    }

    /// Takes new ports for a process.
    pub(crate) fn choose_ports(&mut self, name: Name) -> Result<()> {
        let reserved = Reserved::choose(name)?;
        self.ports.insert(name, reserved.ports());
        self.reserved.insert(name, reserved);
        Ok(())
    }

    /// Whether the process is started by us: not a store that is elsewhere, nor one that nobody wished for.
    pub(crate) const fn is_ours(&self, name: Name) -> bool {
        match name {
            Name::Postgres => matches!(self.postgres, Store::Ours(_)),
            Name::Redis => matches!(self.redis, Store::Ours(_)),
            Name::Prometheus => self.options.observe,
            _ => true,
        }
    }

    /// Makes the database cluster if it is ours and there is none.
    pub(crate) fn make_stores(&self) -> Result<()> {
        match &self.postgres {
            Store::Ours(postgres) => postgres.make(DATABASE, &self.layout.log("initdb")),
            Store::Elsewhere(_) => Ok(()),
        }
    }

    /// How a process is started. Lets go of its ports, so it should be started at once.
    pub(crate) fn launch(&mut self, name: Name) -> Result<Launch> {
        self.reserved.remove(&name);
        let port = self.port(name);
        match name {
            Name::Postgres => match &self.postgres {
                Store::Ours(postgres) => Ok(postgres.launch(port, postgres::DURABLE)),
                Store::Elsewhere(_) => Err(Self::not_ours(name)),
            },
            Name::Redis => match &self.redis {
                Store::Ours(redis) => redis.launch(port),
                Store::Elsewhere(_) => Err(Self::not_ours(name)),
            },
            Name::Api1 | Name::Api2 => Ok(self.api(name)),
            Name::Gateway1 | Name::Gateway2 => Ok(self.gateway(name)),
            Name::Balancer => Ok(self.balancer()),
            Name::Prometheus => self.prometheus(),
        }
    }

    /// Whether a started process does its work.
    pub(crate) fn is_ready(&self, name: Name, child: &Child) -> bool {
        let ports = self.ports[&name];
        match name {
            Name::Postgres => matches!(&self.postgres, Store::Ours(ours) if ours.is_ready(child)),
            Name::Redis => matches!(&self.redis, Store::Ours(ours) if ours.is_ready(ports.main)),
            Name::Balancer => probe::answers_ok(ports.main, "/readyz"),
            Name::Prometheus => probe::answers_ok(ports.main, "/-/ready"),
            _ => probe::answers_ok(ports.metrics.unwrap_or(ports.main), "/readyz"),
        }
    }

    /// Says why a store cannot be started or killed from here.
    pub(crate) fn not_ours(name: Name) -> Error {
        let variable = match name {
            Name::Postgres => "DATABASE_URL",
            Name::Prometheus => return Error::told("./dev up --observe starts a prometheus"),
            _ => "REDIS_URL",
        };
        Error::told(format!(
            "{name} is not ours: {variable} was set when this was started"
        ))
    }

    /// The main port.
    pub(crate) fn port(&self, name: Name) -> u16 {
        self.ports.get(&name).map_or(0, |ports| ports.main)
    }

    /// The port where it answers about itself, if it has one.
    pub(crate) fn metrics_port(&self, name: Name) -> Option<u16> {
        self.ports.get(&name).and_then(|ports| ports.metrics)
    }

    /// Host and port of a process.
    pub(crate) fn address(&self, name: Name) -> String {
        format!("127.0.0.1:{}", self.port(name))
    }

    /// Host and port where it answers about itself.
    pub(crate) fn metrics_address(&self, name: Name) -> String {
        format!("127.0.0.1:{}", self.metrics_port(name).unwrap_or(0))
    }

    /// How a process is reached: for the stores what a client is told, for the others HTTP.
    pub(crate) fn url(&self, name: Name) -> String {
        match name {
            Name::Postgres => self.database_url(),
            Name::Redis => self.redis_url(),
            Name::Balancer => self.public_url(),
            _ => format!("http://{}", self.address(name)),
        }
    }

    /// What a person opens.
    pub(crate) fn public_url(&self) -> String {
        format!("http://{}", self.address(Name::Balancer))
    }

    /// Browsers at these may use the API with their cookies.
    pub(crate) fn origins(&self) -> String {
        format!(
            "{},http://{}",
            self.public_url(),
            self.address(Name::Balancer)
        )
    }

    /// `DATABASE_URL` of the programs.
    pub(crate) fn database_url(&self) -> String {
        match &self.postgres {
            Store::Ours(postgres) => postgres.url(self.port(Name::Postgres), DATABASE),
            Store::Elsewhere(url) => url.clone(),
        }
    }

    /// `REDIS_URL` of the programs.
    pub(crate) fn redis_url(&self) -> String {
        match &self.redis {
            Store::Ours(redis) => redis.url(self.port(Name::Redis)),
            Store::Elsewhere(url) => url.clone(),
        }
    }

    /// `JWT_SECRET` of the programs.
    pub(crate) fn jwt_secret(&self) -> &str {
        &self.secrets.jwt
    }

    /// The balancer's secret.
    pub(crate) fn cookie_key(&self) -> &str {
        &self.secrets.cookie
    }

    /// The demo page.
    pub(crate) const fn page(&self) -> &Page {
        &self.page
    }

    /// What a person opens to see the demo page with its buttons that kill.
    pub(crate) fn demo_url(&self) -> String {
        format!("{}/#dev={}", self.public_url(), self.page.token)
    }

    /// Path of one of our programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The folder of our programs.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Path of HAProxy.
    pub(crate) fn haproxy(&self) -> &Path {
        &self.haproxy
    }

    /// Paths of this checkout.
    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// As typed.
    pub(crate) const fn options(&self) -> &UpOptions {
        &self.options
    }
}

fn find_postgres(layout: &Layout, secrets: &Secrets) -> Result<Store<Postgres>> {
    if let Some(url) = environment::database_url() {
        return Ok(Store::Elsewhere(url));
    }
    let owner = Owner::for_postgres()?;
    Ok(Store::Ours(Postgres {
        programs: postgres::find().ok_or_else(|| missing("postgresql"))?,
        folder: make_postgres_folder(layout, owner)?,
        owner,
        password: secrets.postgres.clone(),
    }))
}

fn find_redis(layout: &Layout, secrets: &Secrets) -> Result<Store<Redis>> {
    if let Some(url) = environment::redis_url() {
        return Ok(Store::Elsewhere(url));
    }
    Ok(Store::Ours(Redis {
        program: redis::find().ok_or_else(|| missing("redis-server"))?,
        folder: layout.redis(),
        password: secrets.redis.clone(),
    }))
}

fn missing(what: &str) -> Error {
    Error::told(format!("this machine has no {what}"))
}

/// Starts the log of a process anew: a log tells of one `up`, so it does not grow for ever.
pub(crate) fn empty_logs(layout: &Layout) {
    let Ok(entries) = fs::read_dir(layout.logs()) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name() != "supervisor.log")
    {
        // What cannot be removed will be complained about when it is opened.
        drop(fs::remove_file(entry.path()));
    }
}
