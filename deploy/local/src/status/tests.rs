use super::*;

fn report() -> Report {
    Report {
        url: "http://localhost:8080".into(),
        demo_url: "http://localhost:8080/#dev=token".into(),
        processes: vec![ProcessReport {
            name: Name::Api1,
            pid: 42,
            port: 4000,
            metrics_port: Some(4001),
            url: "http://127.0.0.1:4000".into(),
            state: ProcessState::Paused,
        }],
        database_url: "postgres://postgres:secret@127.0.0.1:5000/hubbub".into(),
        redis_url: "redis://127.0.0.1:6000".into(),
        jwt_secret: "abc".into(),
        programs: "target/debug".into(),
    }
}

#[test]
fn programs_find_the_agreed_names() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["url"], "http://localhost:8080");
    assert_eq!(
        json["DATABASE_URL"],
        "postgres://postgres:secret@127.0.0.1:5000/hubbub"
    );
    assert_eq!(json["REDIS_URL"], "redis://127.0.0.1:6000");
    assert_eq!(json["JWT_SECRET"], "abc");
    let process = &json["processes"][0];
    assert_eq!(process["name"], "api-1");
    assert_eq!(process["pid"], 42);
    assert_eq!(process["port"], 4000);
    assert_eq!(process["url"], "http://127.0.0.1:4000");
    assert_eq!(process["state"], "paused");
}

#[test]
fn people_see_no_password() {
    assert_eq!(
        without_password("postgres://postgres:se@cret@127.0.0.1:5/h"),
        "postgres://127.0.0.1:5/h"
    );
    assert_eq!(without_password("http://127.0.0.1:1"), "http://127.0.0.1:1");
    assert!(!for_people(&report()).contains("secret"));
}
