//! Who is to be told of what, and on which nodes. Pure.
//!
//! What one second brings is bounded: above so many pairs of changed person and viewer, the viewers are told to ask; above so
//! many viewers, everybody is.

use std::collections::{BTreeMap, HashMap};

use shared::{
    connections::Name,
    ids::UserId,
    presence::{News, Told},
};

/// Pairs of changed person and viewer that are told one by one.
pub(super) const PAIRS_MAX: usize = 50_000;
/// Viewers whose nodes are looked up.
pub(super) const VIEWERS_MAX: usize = 20_000;

/// What came of a second's changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plan {
    /// Each with its viewers.
    Told(Vec<Told>),
    /// These people are to ask.
    Ask(Vec<UserId>),
    /// Everybody is.
    AskAll,
}

impl Plan {
    /// For these changes; `viewers` of each are its person's contacts.
    pub(super) fn new(told: Vec<Told>) -> Self {
        let pairs: usize = told.iter().map(|change| change.viewers.len()).sum();
        let plan = Self::Told(told);
        if pairs <= VIEWERS_MAX {
            return plan;
        }
        let viewers = plan.viewers();
        match (viewers.len() <= VIEWERS_MAX, pairs <= PAIRS_MAX) {
            (true, true) => plan,
            (true, false) => Self::Ask(viewers),
            (false, _) => Self::AskAll,
        }
    }

    /// Whose nodes are to be looked up, each once, in order.
    pub(super) fn viewers(&self) -> Vec<UserId> {
        let mut viewers: Vec<UserId> = match self {
            Self::Told(told) => told
                .iter()
                .flat_map(|change| &change.viewers)
                .copied()
                .collect(),
            Self::Ask(viewers) => viewers.clone(),
            Self::AskAll => Vec::new(),
        };
        viewers.sort_unstable();
        viewers.dedup();
        viewers
    }

    /// What each of the living nodes is told; `nodes` says where the viewers are.
    pub(super) fn by_node(
        self,
        nodes: &HashMap<UserId, Vec<Name>>,
        living: &[Name],
    ) -> BTreeMap<Name, News> {
        let mut news: BTreeMap<Name, News> = BTreeMap::new();
        let nodes_of = |viewer: &UserId| {
            let nodes = nodes.get(viewer).into_iter().flatten();
            nodes.filter(|node| living.contains(node)).copied()
        };
        match self {
            Self::AskAll => {
                for node in living {
                    news.entry(*node).or_default().ask_all = true;
                }
            }
            Self::Ask(viewers) => {
                for viewer in viewers {
                    for node in nodes_of(&viewer) {
                        news.entry(node).or_default().ask.push(viewer);
                    }
                }
            }
            Self::Told(told) => {
                for change in told {
                    let mut viewers: BTreeMap<Name, Vec<UserId>> = BTreeMap::new();
                    for viewer in &change.viewers {
                        for node in nodes_of(viewer) {
                            viewers.entry(node).or_default().push(*viewer);
                        }
                    }
                    for (node, viewers) in viewers {
                        let told = &mut news.entry(node).or_default().told;
                        told.push(Told { viewers, ..change });
                    }
                }
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: i64) -> UserId {
        UserId::new(number).unwrap()
    }

    fn told(who: i64, viewers: impl IntoIterator<Item = i64>) -> Told {
        Told {
            user_id: user(who),
            online: true,
            last_seen_ms: None,
            viewers: viewers.into_iter().map(user).collect(),
        }
    }

    #[test]
    fn each_node_hears_of_its_own_people_and_dead_nodes_of_nothing() {
        let [first, second, dead] = {
            let mut names = [(); 3].map(|()| Name::random());
            names.sort_unstable();
            names
        };
        let plan = Plan::new(vec![told(1, [10, 11, 12]), told(2, [11, 13])]);
        assert_eq!(plan.viewers(), [10, 11, 12, 13].map(user));
        let nodes = HashMap::from([
            (user(10), vec![first]),
            (user(11), vec![second, first]),
            (user(12), vec![dead]),
        ]);
        let news = plan.by_node(&nodes, &[first, second]);
        let expected = [
            (first, vec![told(1, [10, 11]), told(2, [11])]),
            (second, vec![told(1, [11]), told(2, [11])]),
        ];
        let expected = expected.map(|(node, told)| {
            let news = News {
                told,
                ..News::default()
            };
            (node, news)
        });
        assert_eq!(news, BTreeMap::from(expected));
    }

    #[test]
    fn too_much_at_once_becomes_a_request_to_ask() {
        let many = |people: i64, viewers: i64| {
            let told = (1..=people).map(|who| told(who, 100..100 + viewers));
            Plan::new(told.collect())
        };
        assert!(matches!(many(250, 200), Plan::Told(_)));
        let Plan::Ask(viewers) = many(251, 200) else {
            panic!("one by one");
        };
        assert_eq!(viewers, (100..300).map(user).collect::<Vec<_>>());
        assert!(matches!(many(1, 20_000), Plan::Told(_)));
        assert_eq!(many(1, 20_001), Plan::AskAll);

        let node = Name::random();
        let nodes = HashMap::from([(user(100), vec![node])]);
        let news = many(251, 200).by_node(&nodes, &[node]);
        assert_eq!(news[&node].ask, [user(100)]);
        assert!(Plan::AskAll.by_node(&nodes, &[node])[&node].ask_all);
    }
}
