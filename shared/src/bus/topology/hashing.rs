//! Where keys belong: by their hash tag, so that everything about a channel stays together.

/// Slots of a Redis Cluster.
pub(super) const SLOTS: u16 = 16_384;

/// What of a key decides: the text between its first `{` and the next `}`, as Redis Cluster has it, else all of it.
fn tag(key: &[u8]) -> &[u8] {
    let tagged = || {
        let start = key.iter().position(|byte| *byte == b'{')? + 1;
        let length = key[start..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &key[start..start + length])
    };
    tagged().unwrap_or(key)
}

/// The slot of a key in Redis Cluster: CRC16 (XMODEM) of its tag.
pub(in crate::bus) fn slot(key: &[u8]) -> u16 {
    let crc = tag(key).iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let carry = if crc & 0x8000 == 0 { 0 } else { 0x1021 };
            (crc << 1) ^ carry
        })
    });
    crc % SLOTS
}

/// Which of `count` servers has a key: jump consistent hashing (Lamping and Veach, 2014). One more server at the end takes
/// its share from the others evenly, and nothing moves between those.
pub(super) fn jump(key: &[u8], count: usize) -> Option<usize> {
    let mut seed = mixed(tag(key));
    let mut chosen = None;
    let mut next = 0;
    while next < count {
        chosen = Some(next);
        seed = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let chance = (seed >> 33) + 1;
        let jump = (u128::try_from(next + 1).ok()? << 31) / u128::from(chance);
        next = usize::try_from(jump).unwrap_or(usize::MAX);
    }
    chosen
}

/// FNV-1a, and a finish that spreads its low bits: tags differ in their last digits.
fn mixed(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // From the cluster specification, and from CLUSTER KEYSLOT of a server.
        assert_eq!(slot(b"123456789"), 0x31c3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), slot(b"foo{}{bar}"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
    }

    #[test]
    fn a_server_more_takes_its_share_and_nothing_else_moves() {
        let keys: Vec<String> = (0..2048).map(|k| format!("hubbub:{{p{k}}}:x")).collect();
        let mut before: Vec<usize> = vec![0; keys.len()];
        for count in 2..=8 {
            let now: Vec<usize> = keys
                .iter()
                .map(|key| jump(key.as_bytes(), count).unwrap())
                .collect();
            let moved = before.iter().zip(&now).filter(|(old, new)| old != new);
            assert!(moved.clone().all(|(_, new)| *new == count - 1));
            let share = moved.count() * count;
            assert!((1500..2600).contains(&share), "{share} of 2048 for {count}");
            before = now;
        }
        assert_eq!(jump(b"x", 0), None);
    }

    #[test]
    fn where_keys_are_is_a_contract_with_running_servers() {
        let of_three = |key: &str| jump(key.as_bytes(), 3);
        let found: Vec<_> = (0..8).map(|k| of_three(&format!("a:{{p{k}}}:b"))).collect();
        assert_eq!(found, [0, 0, 2, 2, 0, 0, 1, 2].map(Some));
    }
}
