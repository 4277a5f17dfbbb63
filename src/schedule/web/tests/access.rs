//! Tokens, sessions, roles, failed logins.

use super::*;
use std::time::Duration;

/// All routes that need a token, with names filled in.
fn closed() -> Vec<(Method, String)> {
    let fill = |path: &str| {
        path.replace("{name}", "plain").replace("{id}", "20261127-173632-00000001").replace("{number}", "1")
    };
    router::closed().noted.into_iter().map(|(method, path)| (method, fill(path))).collect()
}

#[tokio::test]
async fn no_route_but_health_answers_without_a_token() {
    let site = site();
    for (method, path) in closed() {
        let bare = Request::builder().method(method.clone()).uri(&path).header("host", HOST);
        let answer = site.send(bare.body(Body::empty()).unwrap()).await;
        answer.is(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
        assert_eq!(answer.json()["error"], "unauthorized");
    }
}

#[tokio::test]
async fn a_token_that_is_nearly_right_is_wrong() {
    let site = site_with(&Settings {
        limits: Limits { failures: Budget { each: 1000, all: 1000, ..Budget::default() }, ..Limits::default() },
        ..settings()
    });
    let longer = format!("{ADMIN}0");
    let upper = ADMIN.to_uppercase();
    let wrong = ["", " ", &ADMIN[1..], &ADMIN[..ADMIN.len() - 1], &longer, &upper, "null", "undefined", "Bearer"];
    for token in wrong {
        site.send(request("GET", "/api/jobs", token).body(Body::empty()).unwrap()).await.is(401);
    }
    for value in [ADMIN.to_owned(), format!("Basic {ADMIN}"), format!("bearer{ADMIN}"), format!("Token {ADMIN}")] {
        let bare = Request::get("/api/jobs").header("host", HOST).header("authorization", value);
        site.send(bare.body(Body::empty()).unwrap()).await.is(401);
    }
    let query = Request::get(format!("/api/jobs?token={ADMIN}")).header("host", HOST);
    site.send(query.body(Body::empty()).unwrap()).await.is(401);
    let lower = Request::get("/api/jobs").header("host", HOST).header("authorization", format!("bearer {ADMIN}"));
    site.send(lower.body(Body::empty()).unwrap()).await.is(200);
}

#[tokio::test]
async fn a_reader_may_look_at_all_but_change_nothing() {
    let site = site();
    for (method, path) in closed() {
        if method == Method::POST {
            let answer = site.send(json(request("POST", &path, READER), "{}")).await;
            answer.is(403);
            assert_eq!(answer.json()["error"], "forbidden", "{path}");
        }
    }
    let runs = site.get("/api/runs").await.json();
    assert_eq!(runs["items"], serde_json::json!([]), "nothing was begun");
}

async fn log_in(site: &Site, token: &str) -> Answer {
    let body = format!(r#"{{"token": "{token}"}}"#);
    let request = Request::post("/login").header("host", HOST).header("content-type", "application/json");
    site.send(request.body(Body::from(body)).unwrap()).await
}

/// The cookie of a session, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_login_begins_a_session_whose_cookie_no_script_and_no_other_site_can_use() {
    let site = site();
    let answer = log_in(&site, READER).await;
    answer.is(200);
    assert_eq!(answer.json(), serde_json::json!({"role": "reader", "seconds": 43200}));
    let set = answer.header("set-cookie");
    let (name, rest) = set.split_once('=').unwrap();
    assert_eq!(name, "gristmill-7878");
    let (id, attributes) = rest.split_once("; ").unwrap();
    assert_eq!(id.len(), 64);
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
    let jobs = Request::get("/api/jobs").header("host", HOST).header("cookie", format!("a=b; {}", cookie(&answer)));
    site.send(jobs.body(Body::empty()).unwrap()).await.is(200);
    let other = log_in(&site, READER).await;
    assert_ne!(cookie(&answer), cookie(&other));
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_the_host_and_to_tls() {
    let files = Certificate { certificate: "a".into(), key: "b".into() };
    let site = site_with(&Settings { tls: Some(files), ..settings() });
    let answer = log_in(&site, ADMIN).await;
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-gristmill-7878=") && set.ends_with("; Secure") && set.contains("; Path=/;"),
        "{set}"
    );
}

#[tokio::test]
async fn a_session_ends_with_logging_out_and_a_made_up_one_never_began() {
    let site = site();
    let session = cookie(&log_in(&site, ADMIN).await);
    let made_up = format!("gristmill-7878={}", "0".repeat(64));
    let twice = format!("{session}; {made_up}");
    let ask = async |cookie: &str| {
        site.send(Request::get("/api/jobs").header("host", HOST).header("cookie", cookie).body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask(&session).await, 200);
    for cookie in
        [made_up.as_str(), twice.as_str(), "gristmill-7878=", "gristmill-7878=../../x", "gristmill-7879=1", ""]
    {
        assert_eq!(ask(cookie).await, 401, "{cookie}");
    }
    let out = Request::post("/logout")
        .header("host", HOST)
        .header("cookie", &session)
        .header("origin", format!("http://{HOST}"));
    let answer = site.send(out.body(Body::empty()).unwrap()).await;
    answer.is(303);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(ask(&session).await, 401);
}

#[tokio::test]
async fn a_form_is_answered_with_the_page_asked_for_and_never_with_another_server() {
    let site = site();
    let send = async |token: &str, next: &str| {
        let request = Request::post("/login").header("host", HOST).header("origin", format!("http://{HOST}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        site.send(request.body(Body::from(format!("token={token}&next={next}"))).unwrap()).await
    };
    let answer = send(ADMIN, "%2Fjobs%2Fplain").await;
    answer.is(303);
    assert_eq!(answer.header("location"), "/jobs/plain");
    assert!(!answer.header("set-cookie").is_empty());
    for next in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%2F%5Cevil.example", "%2F%09%2Fevil.example", ""]
    {
        assert_eq!(send(ADMIN, next).await.is(303).header("location"), "/", "{next}");
    }
    let refused = send("wrong", "%2Fjobs").await;
    refused.is(401);
    assert!(refused.header("content-type").starts_with("text/html"));
    assert!(refused.header("set-cookie").is_empty());
    assert!(!refused.text.contains("wrong"), "what was typed is not shown");
}

#[tokio::test]
async fn a_browser_without_a_session_is_led_to_the_login_and_a_program_is_told() {
    let site = site();
    let page = Request::get("/jobs/plain?state=failed").header("host", HOST).header("accept", "text/html,*/*;q=0.8");
    let answer = site.send(page.body(Body::empty()).unwrap()).await;
    answer.is(303);
    assert_eq!(answer.header("location"), "/login?next=/jobs/plain%3Fstate%3Dfailed");
    let login = Request::get(answer.header("location")).header("host", HOST).header("accept", "text/html");
    let shown = site.send(login.body(Body::empty()).unwrap()).await;
    shown.is(200);
    assert!(shown.text.contains("/jobs/plain?state=failed"));
    let api = Request::get("/api/jobs").header("host", HOST).header("accept", "text/html");
    site.send(api.body(Body::empty()).unwrap()).await.is(401);
}

#[tokio::test]
async fn too_many_failed_logins_of_an_address_are_slowed_and_others_are_not() {
    let budget = Budget { each: 3, all: 100, window: Duration::from_secs(60) };
    let site = site_with(&Settings { limits: Limits { failures: budget, ..Limits::default() }, ..settings() });
    for _ in 0..3 {
        log_in(&site, "wrong-token-wrong-token-wrong-token").await.is(401);
    }
    let slowed = log_in(&site, ADMIN).await;
    slowed.is(429);
    let wait: u64 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert!(slowed.header("set-cookie").is_empty(), "not even with the right token");
    site.send(request("GET", "/api/jobs", "wrong").body(Body::empty()).unwrap()).await.is(429);
    site.get("/api/jobs").await.is(200);
    let mut other = Request::post("/login").header("host", HOST).header("content-type", "application/json");
    other = other.extension(ConnectInfo::<SocketAddr>("10.1.2.3:1".parse().unwrap()));
    site.send(other.body(Body::from(format!(r#"{{"token": "{ADMIN}"}}"#))).unwrap()).await.is(200);
}

#[tokio::test]
async fn wrong_tokens_of_programs_are_slowed_too() {
    let budget = Budget { each: 3, all: 100, window: Duration::from_secs(60) };
    let site = site_with(&Settings { limits: Limits { failures: budget, ..Limits::default() }, ..settings() });
    for status in [401, 401, 401, 429] {
        site.send(request("GET", "/api/jobs", "wrong").body(Body::empty()).unwrap()).await.is(status);
    }
}

#[tokio::test]
async fn logins_are_noted_with_where_they_came_from_and_without_the_token() {
    let site = site();
    log_in(&site, "guessed-token-guessed-token-guessed").await.is(401);
    log_in(&site, ADMIN).await.is(200);
    let log = site.get("/api/audit").await;
    let entries = log.json();
    assert_eq!(entries["items"][0]["action"], "login");
    assert!(entries["items"][0]["who"].as_str().unwrap().starts_with("admin session "));
    assert_eq!(entries["items"][0]["detail"], "from 127.0.0.1");
    assert_eq!(entries["items"][1]["action"], "login failed");
    assert!(!log.text.contains("guessed") && !log.text.contains(ADMIN));
}

#[test]
fn a_token_is_never_printed() {
    let settings = settings();
    let printed = format!("{settings:?} {:?}", settings.admin);
    assert!(!printed.contains(ADMIN) && !printed.contains(READER), "{printed}");
    let access = crate::schedule::web::access::Access::new(
        &settings.admin,
        settings.reader.as_ref(),
        Budget::default(),
        1,
        false,
    );
    assert!(!format!("{access:?}").contains("0123456789abcdef"));
}

#[test]
fn a_new_token_has_256_bits_and_is_never_the_same() {
    let (first, second) = (Token::generate().unwrap(), Token::generate().unwrap());
    assert_eq!(first.text().len(), 64);
    assert!(first.text().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(first.text(), second.text());
}

#[test]
fn a_token_is_read_from_a_private_file_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{ADMIN}\n")).unwrap();
    for (mode, fits) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        match Token::read(&path) {
            Ok(token) => assert!(fits && token.text() == ADMIN, "{mode:o}"),
            Err(error) => assert!(
                !fits && error.to_string().contains("chmod 600") && !error.to_string().contains(ADMIN),
                "{error}"
            ),
        }
    }
    assert!(Token::read(folder.path()).is_err(), "a folder");
    assert!(Token::read(&folder.path().join("none")).is_err());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    for weak in
        ["", "short", &"a".repeat(64), "0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcde\u{e4}"]
    {
        std::fs::write(&path, weak).unwrap();
        assert!(matches!(Token::read(&path), Err(TokenError::Weak { .. })), "{weak}");
    }
}
