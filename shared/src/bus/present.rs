//! Leases of nodes, and who is present where; what they mean is said in [`crate::presence`].

use std::time::Duration;

use redis::Pipeline;

use super::{Bus, BusError, commands::PIPELINE_COMMANDS_MAX, scripts};
use crate::{
    connections::Name,
    ids::UserId,
    presence::{Attendance, Elsewhere, KEPT, Leases, Life, Renewal},
};

/// Ids in one command: a script or a large answer must not hold up the others.
const IDS_MAX: usize = 500;

impl Bus {
    /// Renews or takes a node's lease, and says which others there are.
    pub(crate) async fn renew_lease(
        &self,
        node: Name,
        lease: Duration,
        life: Option<Life>,
    ) -> Result<Renewal, BusError> {
        let command = scripts::lease(self.names(), node, lease, life);
        let answers: Vec<(String, String, i64, Vec<String>)> = self.call([command]).await?;
        let Some((outcome, life, now_ms, leases)) = answers.into_iter().next() else {
            return Err(BusError::Unavailable("no answer to a lease".to_owned()));
        };
        let mut pipeline = Pipeline::new();
        let kept_ms = scripts::milliseconds(KEPT);
        let people = self.names().people(node);
        pipeline.cmd("PEXPIRE").arg(people).arg(kept_ms).ignore();
        self.query::<()>(&pipeline).await?;
        let leases = Leases::read(&life, now_ms, &leases);
        let leases = leases.ok_or_else(|| BusError::Unavailable("unreadable leases".to_owned()))?;
        Ok(match outcome.as_str() {
            "kept" => Renewal::Kept(leases),
            "new" => Renewal::New(leases),
            _ => Renewal::Lost,
        })
    }

    /// Has this life of the presence begun then, in milliseconds since the Unix epoch.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn begin_life_at(&self, at_ms: i64) -> Result<(), BusError> {
        let mut pipeline = Pipeline::new();
        let set = pipeline.cmd("SET").arg(self.names().life()).arg(at_ms);
        set.ignore();
        self.query(&pipeline).await
    }

    /// The leases of all nodes; `None` where nobody has any.
    pub(crate) async fn leases(&self) -> Result<Option<Leases>, BusError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("GET").arg(self.names().life());
        pipeline.cmd("TIME");
        let range = pipeline.cmd("ZRANGE").arg(self.names().nodes());
        range.arg(0).arg(-1).arg("WITHSCORES");
        let (life, (seconds, micros), leases): (Option<String>, (i64, i64), Vec<String>) =
            self.query(&pipeline).await?;
        let now_ms = seconds * 1000 + micros / 1000;
        Ok(life.and_then(|life| Leases::read(&life, now_ms, &leases)))
    }

    /// Writes down who has come to a node and who has left it, and says who of them is elsewhere too.
    pub(crate) async fn attend(
        &self,
        (node, others): (Name, &[Name]),
        attendances: &[Attendance],
    ) -> Result<Vec<Elsewhere>, BusError> {
        let mut answers = Vec::with_capacity(attendances.len());
        for batch in attendances.chunks(PIPELINE_COMMANDS_MAX) {
            let (come, gone): (Vec<Attendance>, Vec<Attendance>) =
                batch.iter().partition(|attendance| attendance.is_present);
            // Whoever is listed as present on a node is in its set, whatever fails in between.
            self.change_people(node, "SADD", &come).await?;
            let commands = batch
                .iter()
                .map(|attendance| scripts::attend(self.names(), (node, others), *attendance));
            let numbers = self.call::<i64>(commands).await?;
            answers.extend(numbers.into_iter().map(Elsewhere::from_number));
            self.change_people(node, "SREM", &gone).await?;
        }
        Ok(answers)
    }

    async fn change_people(
        &self,
        node: Name,
        command: &str,
        people: &[Attendance],
    ) -> Result<(), BusError> {
        if people.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = people.iter().map(|one| one.user_id.get()).collect();
        let key = self.names().people(node);
        let mut pipeline = Pipeline::new();
        pipeline.cmd(command).arg(&key).arg(ids).ignore();
        let kept_ms = scripts::milliseconds(KEPT);
        pipeline.cmd("PEXPIRE").arg(&key).arg(kept_ms).ignore();
        self.query(&pipeline).await
    }

    /// Some of those whom a node has listed, at most 500; none when all were taken away.
    pub(crate) async fn people(&self, node: Name) -> Result<Vec<UserId>, BusError> {
        let mut pipeline = Pipeline::new();
        let key = self.names().people(node);
        pipeline.cmd("SRANDMEMBER").arg(key).arg(IDS_MAX);
        let (ids,): (Vec<i64>,) = self.query(&pipeline).await?;
        // What is no id was put there by nobody of ours.
        Ok(ids
            .into_iter()
            .filter_map(|id| id.try_into().ok())
            .collect())
    }

    /// Strikes a node off, of which nobody is listed any more.
    pub(crate) async fn forget_node(&self, node: Name) -> Result<(), BusError> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("DEL").arg(self.names().people(node)).ignore();
        let remove = pipeline.cmd("ZREM").arg(self.names().nodes());
        remove.arg(node.to_string()).ignore();
        self.query(&pipeline).await
    }

    /// On which nodes each of these people is listed, in the order asked.
    pub(crate) async fn present(&self, people: &[UserId]) -> Result<Vec<Vec<Name>>, BusError> {
        // People of one partition are asked for together.
        let mut asked: Vec<(String, usize)> = people
            .iter()
            .enumerate()
            .map(|(index, user)| (self.names().present(*user), index))
            .collect();
        asked.sort_unstable();
        let mut found = vec![Vec::new(); people.len()];
        let groups: Vec<&[(String, usize)]> = asked
            .chunk_by(|one, other| one.0 == other.0)
            .flat_map(|group| group.chunks(IDS_MAX))
            .collect();
        for batch in groups.chunks(PIPELINE_COMMANDS_MAX) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for group in batch {
                let ids = group.iter().map(|(_, index)| people[*index].get());
                let ids: Vec<i64> = ids.collect();
                pipeline.cmd("HMGET").arg(&group[0].0).arg(ids);
            }
            let answers: Vec<Vec<Option<String>>> = self.query(&pipeline).await?;
            for (group, answer) in batch.iter().zip(answers) {
                for ((_, index), nodes) in group.iter().zip(answer) {
                    let nodes = nodes.unwrap_or_default();
                    found[*index] = nodes.split(' ').filter_map(|n| n.parse().ok()).collect();
                }
            }
        }
        Ok(found)
    }
}
