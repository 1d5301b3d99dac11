//! `loadtest api`: what reading a post, a page of the feed, and liking one post all at once costs a pod of `api`.
//!
//! On a large population that `api populate` makes, in the stores of `DATABASE_URL` and `REDIS_URL`, migrated, with nobody
//! else on them. Every request is another post or another reader, so that nothing is answered from what was just read. A
//! core is a second of processor time of the pod: the client, PostgreSQL and whatever else runs here do not count.

mod crowd;
mod pod;
mod report;

use std::{path::PathBuf, sync::Arc};

use hyper::Method;
use rand::seq::IndexedRandom;
use serde_json::Value;
use shared::testing::HttpClient;

use self::{
    crowd::{Crowd, Watch},
    pod::{Manner, Pod, command},
    report::Report,
};
use crate::{
    Failure, own_folder,
    stack::{free_address, variable},
    stopwatch::now_us,
};

/// Before it is measured: connections are open and statements prepared.
const WARM_UP: usize = 2000;

/// As many as like a post at once; more than the pod has connections to PostgreSQL.
const CROWD: usize = 128;

/// How large, and how much is asked.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// What is handed to `api populate`.
    sizes: Vec<String>,
    online: usize,
    requests: usize,
    connections: usize,
    manners: Vec<Manner>,
    programs: PathBuf,
    json: Option<PathBuf>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Post,
    Feed,
    PublicFeed,
    Like,
}

impl Question {
    const ALL: [Self; 4] = [Self::Post, Self::Feed, Self::PublicFeed, Self::Like];

    const fn name(self) -> &'static str {
        match self {
            Self::Post => "GET /posts/{id}",
            Self::Feed => "GET /feed?limit=20",
            Self::PublicFeed => "GET /feed?type=public&limit=20",
            Self::Like => "PUT /posts/{id}/like, all of one post",
        }
    }
}

impl Reading {
    /// `[--people N] [--posts N] [--follows N] [--likes N] [--comments N] [--online N] [--requests N] [--connections N]
    /// [--limits on|off] [--programs FOLDER] [--json FILE]`.
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut reading = Self {
            sizes: Vec::new(),
            online: 2000,
            requests: 20_000,
            connections: 16,
            manners: vec![Manner::Bare, Manner::Deployed],
            programs: own_folder()?,
            json: None,
        };
        while let Some(word) = given.next() {
            let value = given.next().ok_or(Failure::Usage)?;
            let number = || value.parse().map_err(|_| Failure::Usage);
            match word.as_str() {
                "--people" | "--posts" | "--follows" | "--likes" | "--comments" => {
                    reading.sizes.extend([word, value]);
                }
                "--online" => reading.online = number()?,
                "--requests" => reading.requests = number()?,
                "--connections" => reading.connections = number()?,
                "--limits" if value == "on" => reading.manners = vec![Manner::Deployed],
                "--limits" if value == "off" => reading.manners = vec![Manner::Bare],
                "--programs" => reading.programs = PathBuf::from(value),
                "--json" => reading.json = Some(PathBuf::from(value)),
                _ => return Err(Failure::Usage),
            }
        }
        Ok(reading)
    }

    /// Makes the population, asks, and prints what it cost.
    pub(crate) async fn run(&self) -> Result<(), Failure> {
        let population = Arc::new(self.populate()?);
        println!("{}", self.plans()?);
        let mut reports = Vec::new();
        for (number, manner) in (0..).zip(&self.manners) {
            for question in Question::ALL {
                let report = match question {
                    // A post of their own for each manner: liking once more is no like.
                    Question::Like => self.like(*manner, &population, number).await?,
                    _ => self.ask(question, *manner, &population).await?,
                };
                println!("{report}");
                reports.push(report.to_json());
            }
        }
        if let Some(path) = &self.json {
            let reports = Value::from(reports);
            std::fs::write(path, format!("{reports:#}\n"))?;
        }
        Ok(())
    }

    fn populate(&self) -> Result<Population, Failure> {
        let mut command = command(&self.programs, free_address())?;
        let output = command
            .arg("populate")
            .args(&self.sizes)
            .args(["--online", &self.online.to_string()])
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(said));
        }
        let made = serde_json::from_slice(&output.stdout);
        made.map_err(|error| Failure::Refused(error.to_string()))
    }

    /// Statements that would read a large table whole, now that there are large ones.
    fn plans(&self) -> Result<String, Failure> {
        let mut command = command(&self.programs, free_address())?;
        let output = command.arg("plans").output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Refused(said));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    async fn ask(
        &self,
        question: Question,
        manner: Manner,
        population: &Arc<Population>,
    ) -> Result<Report, Failure> {
        let pod = Pod::start(&self.programs, manner).await?;
        let each = (population, self.connections);
        pod.send(question, each, WARM_UP).await?;
        pod.measure(question, each, self.requests).await
    }

    /// Everybody who is online likes the same post, as many at once as there are connections.
    async fn like(
        &self,
        manner: Manner,
        population: &Arc<Population>,
        number: u64,
    ) -> Result<Report, Failure> {
        let database_url = variable("DATABASE_URL")?;
        let from = population.first_post + number * (population.posts / 2);
        let crowd = Crowd::find(&database_url, from).await?;
        let mut liked = Population::clone(population);
        liked.hot_post = crowd.post();
        let (liked, people) = (Arc::new(liked), population.tokens.len());
        let pod = Pod::start(&self.programs, manner).await?;
        // Connections are opened and most statements prepared by something else.
        pod.send(Question::Post, (&liked, CROWD), WARM_UP).await?;
        let watch = Watch::start(&database_url).await?;
        let mut report = pod.measure(Question::Like, (&liked, CROWD), people).await?;
        report.rows.extend(watch.end().await?);
        report.rows.extend(crowd.end().await?);
        Ok(report)
    }
}

/// What `api populate` made.
#[derive(Clone, serde::Deserialize)]
struct Population {
    first_post: u64,
    posts: u64,
    tokens: Vec<String>,
    /// The one that all like.
    #[serde(default)]
    hot_post: i64,
}

impl Population {
    /// How many microseconds the answer took.
    async fn ask(
        &self,
        question: Question,
        client: &HttpClient,
        number: usize,
    ) -> Result<u64, Failure> {
        let post = self.first_post + rand::random_range(0..self.posts);
        let (method, path) = match question {
            Question::Post => (Method::GET, format!("/api/v1/posts/{post}")),
            Question::Feed => (Method::GET, "/api/v1/feed?limit=20".to_owned()),
            Question::PublicFeed => (Method::GET, "/api/v1/feed?type=public&limit=20".to_owned()),
            Question::Like => {
                let hot = self.hot_post;
                (Method::PUT, format!("/api/v1/posts/{hot}/like"))
            }
        };
        let token = match question {
            Question::Like => self.tokens.get(number),
            _ => self.tokens.choose(&mut rand::rng()),
        };
        let token = token.map(String::as_str);
        let asked_us = now_us();
        let answer = client.send(method, &path, token, None).await?;
        let took_us = now_us() - asked_us;
        // A post of a private account is not there for everybody: that is an answer too, but no like.
        let is_away = question != Question::Like && answer.status.as_u16() == 404;
        if answer.status.is_success() || is_away {
            Ok(took_us)
        } else {
            Err(Failure::Refused(answer.json.to_string()))
        }
    }
}
