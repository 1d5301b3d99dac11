use super::major_version;

#[test]
fn the_major_version_is_what_counts() {
    assert_eq!(
        major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
        Some("15")
    );
    assert_eq!(
        major_version("postgres (PostgreSQL) 18beta1 (Homebrew)"),
        Some("18")
    );
    assert_eq!(major_version("nonsense"), None);
}
