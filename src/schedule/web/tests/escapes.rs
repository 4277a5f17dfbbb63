//! Ways out of the served folder: in paths, names and files.

use super::*;

/// What a stranger puts in place of a name, to have another file shown. `secret` stands beside, above and within reach of each.
const ESCAPES: [&str; 52] = [
    "..%2fsecret",
    "..%2Fsecret",
    "..%2f..%2fsecret",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fsecret",
    "%2e%2e%2f%2e%2e%2fsecret",
    "%2E%2E%2Fsecret",
    ".%2e%2fsecret",
    "%2e.%2fsecret",
    "..%5csecret",
    "..%5c..%5csecret",
    "%2e%2e%5csecret",
    "..%252fsecret",
    "%252e%252e%252fsecret",
    "%25252e%25252e%25252fsecret",
    "..%c0%afsecret",
    "..%c1%9csecret",
    "%c0%ae%c0%ae%c0%afsecret",
    "..%e0%80%afsecret",
    "..%ef%bc%8fsecret",
    "%uff0e%uff0e%u2215secret",
    "..%u2215secret",
    "%2fetc%2fpasswd",
    "%2f%2fetc%2fpasswd",
    "%2fsecret",
    "file%3a%2f%2f%2fetc%2fpasswd",
    "secret%00",
    "..%2fsecret%00.html",
    "secret%00.html",
    "%00..%2fsecret",
    "....%2f%2fsecret",
    "..;%2fsecret",
    "..%3bsecret",
    "..%09%2fsecret",
    "..%0a%2fsecret",
    "..%0d%0asecret",
    "%20..%2fsecret",
    "..%20%2fsecret",
    ".%2f..%2fsecret",
    "a%2f..%2f..%2fsecret",
    "run%2f..%2f..%2fsecret",
    "%7e%2fsecret",
    "~root",
    "$HOME",
    "%24%7bHOME%7d",
    "C%3a%5csecret",
    "%5c%5chost%5cshare",
    "CON",
    "..",
    ".",
    "%2e%2e",
    "%2e",
];

#[tokio::test]
async fn no_name_in_a_path_leads_to_another_file() {
    let site = site();
    let base = site.service.base();
    for place in [
        base.to_path_buf(),
        base.join("jobs"),
        base.join(".gristmill"),
        base.join(".gristmill/runs"),
        base.join("models"),
    ] {
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("secret"), "the secret").unwrap();
        std::fs::write(place.join("secret.yaml"), "the secret").unwrap();
    }
    std::fs::create_dir_all(base.join("secret-run")).unwrap();
    for file in ["report.html", "log.jsonl", "manifest.json"] {
        std::fs::write(base.join("secret-run").join(file), "the secret").unwrap();
    }
    let places = [
        "/api/jobs/{}",
        "/api/jobs/{}/runs",
        "/api/jobs/{}/next",
        "/api/jobs/{}/partitions",
        "/api/jobs/{}/backfills",
        "/api/runs/{}",
        "/api/runs/{}/log",
        "/api/runs/{}/record",
        "/api/runs/{}/report",
        "/api/runs/{}/events",
        "/api/backfills/{}",
        "/api/models/{}",
        "/jobs/{}",
        "/runs/{}",
        "/runs/{}/log",
        "/runs/{}/report",
        "/assets/{}",
        "/{}",
        "/api/{}",
        "/api/runs/../{}",
        "/api/runs/20261127-173632-00000001/{}",
        "/api/runs?job={}",
        "/api/events?run={}",
    ];
    for escape in ESCAPES.into_iter().chain(["..%2fsecret-run", "..%2f..%2fsecret-run"]) {
        for place in places {
            let path = place.replace("{}", escape);
            let answer = site.get(&path).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            assert!(!answer.text.contains("the secret") && !answer.text.contains("root:"), "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn no_name_in_a_change_leads_to_another_file() {
    let site = site();
    for escape in ESCAPES {
        for place in [
            "/api/jobs/{}/run",
            "/api/jobs/{}/pause",
            "/api/jobs/{}/backfill",
            "/api/runs/{}/cancel",
            "/api/backfills/{}/stop",
        ] {
            let answer = site.post(&place.replace("{}", escape), "{}").await;
            assert!(answer.status.is_client_error(), "{place} {escape}: {}", answer.status);
        }
        let answer = site.post(&format!("/api/models/{escape}/restore"), r#"{"promotion": 1}"#).await;
        assert!(answer.status.is_client_error(), "{escape}: {}", answer.status);
    }
    assert_eq!(site.get("/api/runs").await.json()["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_partition_and_parameters_are_values_and_no_ways() {
    let site = site();
    for escape in ["../../secret", "/etc/passwd", "2026-01-01/../../x", "..", "2026-01-01\u{202e}"] {
        let body = serde_json::json!({"partition": escape}).to_string();
        let answer = site.post("/api/jobs/daily/run", &body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{escape}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_report_that_is_a_link_or_no_file_is_not_shown() {
    let site = site();
    let run = site.queued().await;
    site.succeed(&run);
    let folder = site.service.folder(&RunId::from(run.as_str()));
    let (secret, report) = (site.folder.path().join("secret"), folder.join("report.html"));
    std::fs::write(&secret, "the secret").unwrap();
    let path = format!("/api/runs/{run}/report");
    std::os::unix::fs::symlink(&secret, &report).unwrap();
    site.get(&path).await.is(404);
    std::fs::remove_file(&report).unwrap();
    std::fs::create_dir(&report).unwrap();
    site.get(&path).await.is(404);
    std::fs::remove_dir(&report).unwrap();
    // The folder itself as a link to another one.
    let elsewhere = site.folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("report.html"), "the secret").unwrap();
    std::fs::remove_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
    let answer = site.get(&path).await;
    answer.is(404);
    assert!(!answer.text.contains("the secret"));
}

#[tokio::test]
async fn a_log_that_is_a_link_is_not_shown() {
    let site = site();
    let run = site.queued().await;
    site.succeed(&run);
    let secret = site.folder.path().join("secret");
    std::fs::write(&secret, "the secret\n").unwrap();
    std::os::unix::fs::symlink(&secret, site.service.folder(&RunId::from(run.as_str())).join("log.jsonl")).unwrap();
    let answer = site.get(&format!("/api/runs/{run}/log")).await;
    assert!(!answer.text.contains("the secret"), "{}", answer.text);
}
